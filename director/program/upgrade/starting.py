"""How this program was started: what an upgrade repeats, with what is installed by then."""

from __future__ import annotations

import os
import sys

from attrs import frozen


@frozen
class Starting:
    """A command line and the folder that its relative paths are meant from."""

    command: tuple[str, ...]
    folder: str


def starting() -> Starting:
    """Of this process; to be asked before a daemon goes to another folder."""
    # By the path, so that another Python that was installed there is the one to be run.
    return Starting((sys.executable, *sys.orig_argv[1:]), os.getcwd())  # noqa: PTH109 - a text

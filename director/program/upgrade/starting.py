"""How this program was started: what an upgrade repeats, with what is installed by then."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen


@frozen
class Starting:
    """A command line and the folder that its relative paths are meant from."""

    command: tuple[str, ...]
    folder: str


def starting() -> Starting:
    """Of this process; to be asked before a daemon goes to another folder."""
    return Starting(tuple(_command(sys.orig_argv)), os.getcwd())  # noqa: PTH109 - a text


def _command(called: Sequence[str]) -> Sequence[str]:
    """A script that names its Python itself is called by itself: by then it may name another.

    That is so where a link, such as `/opt/director`, leads to the version that is installed.
    """
    interpreter, *rest = called
    if rest and _first_line(rest[0]) == f"#!{interpreter}":
        return rest
    return sys.executable, *rest


def _first_line(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return file.readline(4096).decode("utf-8", "replace").strip()
    except OSError:
        return ""

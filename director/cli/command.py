"""What a command of `director` is: a row of `commands.table`.

To add one: a file in `commands` with a function that takes an `Invocation` and gives the exit code, a
`Command` that names it, and its line in `commands.table`.  The parser, the help, the completion of the shells
and the options that all commands share come with that.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping
from typing import Any

from attrs import field, frozen

from director.cli.invocation import Invocation
from director.config.parse import units
from director.config.text.messages import BadValue

Run = Callable[[Invocation], int]


@frozen
class Argument:
    """One argument as argparse takes it: names (one without dashes is positional) and settings."""

    names: tuple[str, ...]
    settings: Mapping[str, Any]


def argument(*names: str, **settings: Any) -> Argument:
    """An argument; the settings are those of `argparse.ArgumentParser.add_argument`."""
    return Argument(names, settings)


@frozen
class Command:
    """A command, or with `parts` a group of them: `token link`, `token rotate`.

    Attributes:
        text: its help; a sentence.
    """

    name: str
    text: str
    run: Run | None = None
    arguments: tuple[Argument, ...] = ()
    parts: tuple[Command, ...] = field(default=())


DRY_RUN = argument("--dry-run", action="store_true", help="say what would be done")


def seconds(text: str) -> float:
    """A duration as in the ini (`30s`, `1m30s`), or a bare number of seconds."""
    try:
        return float(text) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", text) else units.duration(text)
    except BadValue as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration; write 30s or 1m30s") from error


def whole(text: str) -> int:
    """A whole number; how large it may be the director says."""
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number, such as 2")
    return int(text)

"""One command as it was called: what it was told, whom it may ask, and how it answers.

Exit codes: 0 done, 1 refused or failed, 2 usage, 3 not reachable, 4 done but not kept (design 6).
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable
from typing import Any

from director.cli import locating
from director.cli.client import ApiClient, Refused
from director.cli.output.table import UNBOUNDED, clean

DONE, REFUSED, USAGE, UNKEPT = 0, 1, 2, 4
UNKEPT_TEXT = "done, but not kept: a restart would lose it. It is tried again; see the director's log"


def say(text: str) -> None:
    """Print, at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def warn(text: str) -> None:
    """A line on stderr."""
    sys.stderr.write(f"director: {text}\n")


class Invocation:
    """A command line, read.

    Attributes:
        options: has a field for each argument.
        before: what is written before an answer, such as what clears a terminal.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.before = ""
        self._found: ApiClient | None = None

    @property
    def client(self) -> ApiClient:
        """The director that is meant; looked for when it is first asked.  Raises Refused."""
        self._found = self._found or locating.connected(self.options.socket, self.options.config)
        return self._found

    @property
    def as_json(self) -> bool:
        """The answer is for a program."""
        return bool(self.options.json)

    @property
    def width(self) -> int:
        """Columns of a table: those of the terminal; none to mind in a pipe or when `--wide` is asked for."""
        if getattr(self.options, "wide", False) or not sys.stdout.isatty():
            return UNBOUNDED
        return shutil.get_terminal_size().columns

    def show(self, value: Any, shown: Callable[[Any], str]) -> int:
        """Print a value as JSON or as text."""
        text = json.dumps(value, indent=2, ensure_ascii=False) + "\n" if self.as_json else shown(value)
        say(self.before + text)
        return DONE

    def show_change(self, answer: Any, shown: Callable[[Any], str]) -> int:
        """Print what a change did; 4, with a line, when it would be lost at a restart."""
        self.show(answer, shown)
        return kept(answer)


def kept(answer: Any) -> int:
    """The exit code of a change."""
    if answer.get("kept", True):
        return DONE
    warn(UNKEPT_TEXT)
    return UNKEPT


def refuse(refused: Refused, *, as_json: bool) -> int:
    """Say what is wrong, on stderr for people, on stdout for programs; gives the exit code."""
    if as_json:
        say(json.dumps(refused.body or {"error": str(refused), "at": refused.at}) + "\n")
        return refused.code
    at = f"{clean(refused.at)}: " if refused.at else ""
    first, *lines = [clean(line) for line in str(refused).splitlines()] or [""]
    more = refused.body.get("problems", []) if isinstance(refused.body, dict) else []
    lines += [f"  {clean(one)}" for one in more]
    warn("\n".join([f"{at}{first}", *lines]))
    return refused.code

"""The parser over a table of commands, with messages in the director's own words.

Options that say which director is meant, and how it answers, may stand before or after the command.
"""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NoReturn

from director.cli.command import Command
from director.cli.locating import DEFAULT_FILES

_CHOICE = re.compile(r"argument (.*): invalid choice: '(.*)' \(choose from (.*)\)")


class Grammar(argparse.ArgumentParser):
    """argparse with messages that say what to write instead, and options that may stand anywhere."""

    _mixing = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Let options stand between what needs none.

        argparse gives an argument that may be missing nothing at all when an option comes before it, and
        calls it unknown then.
        """
        if self._mixing or self._subparsers is not None:
            return super().parse_known_args(args, namespace)
        self._mixing = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._mixing = False

    def error(self, message: str) -> NoReturn:
        """Print what is wrong, the usage, and end with 2."""
        chosen = _CHOICE.fullmatch(message)
        if chosen:
            known = re.findall(r"[\w-]+", chosen[3])
            near = difflib.get_close_matches(chosen[2], known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            message = f"there is no {chosen[1].partition('|')[0].lower()} {chosen[2]!r}; {hint}"
        self.exit(2, f"{self.prog}: {message}\nSee: {self.prog} --help\n")


def installed_version() -> str:
    """The version of the installed package."""
    try:
        return version("director")
    except PackageNotFoundError:
        return "0"


def _shared(default: Any, own: frozenset[str] = frozenset()) -> Grammar:
    """Options before a command have defaults; behind it they are left alone when they are not given.

    What a command means by one of its `own` is its own matter.
    """
    shared = Grammar(add_help=False)

    def add(*names: str, value: Any, **settings: Any) -> None:
        if own.intersection(names):
            return
        shared.add_argument(*names, default=value if default is None else default, **settings)

    add("--json", value=False, action="store_true", help="print JSON")
    add("--socket", value="", metavar="PATH", help="the director's control socket")
    add("-c", "--config", value="", metavar="FILE", help=f"its configuration ({' or '.join(DEFAULT_FILES)})")
    return shared


def parser(commands: Sequence[Command]) -> argparse.ArgumentParser:
    """The whole grammar; what is parsed has the command's function as `run`."""
    top = Grammar(
        prog="director",
        description="Look at a running director, change it, and ask it why.",
        epilog="The director itself is started with: twistd -n director -c FILE",
        parents=[_shared(None)],
    )
    top.add_argument("--version", action="version", version=f"director {installed_version()}")
    _add(top, "command", commands, _shared(argparse.SUPPRESS))
    return top


def _add(top: argparse.ArgumentParser, what: str, commands: Sequence[Command], shared: Grammar) -> None:
    """One parser for each command, and for its parts below it."""
    made = top.add_subparsers(dest=what, metavar=what.upper(), required=True)
    for command in commands:
        own = frozenset(name for argument in command.arguments for name in argument.names)
        parents = [_shared(argparse.SUPPRESS, own) if "--json" in own else shared]
        one = made.add_parser(command.name, help=command.text, description=command.text, parents=parents)
        one.set_defaults(run=command.run)
        for argument in command.arguments:
            one.add_argument(*argument.names, **argument.settings)
        if command.parts:
            _add(one, "action", command.parts, shared)

"""The grammar of `director`: commands, options, and messages in the director's own words.

`director` gives the functions; options that say which director is meant, and how it answers, may stand
before or after the command.
"""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NoReturn

from director.config.parse import units
from director.config.text.messages import BadValue
from director.model.pools import Forward

THINGS = (
    "services", "pools", "servers", "connections", "rules", "checks", "events", "generations", "schedulers",
    "processes", "config",
)  # fmt: skip
KINDS = ("server", "pool", "service", "rule")
SHELLS = ("bash", "zsh", "fish")
DEFAULT_FILES = ("etc/director.ini", "/etc/director/director.ini")
"""Where a configuration is looked for that nobody names: here, then where the systemd unit has it."""

Run = Callable[[argparse.Namespace], int]
Commands = Mapping[str, Run]
_CHOICE = re.compile(r"argument (.*): invalid choice: '(.*)' \(choose from (.*)\)")


class Grammar(argparse.ArgumentParser):
    """argparse with messages that say what to write instead."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong, the usage, and end with 2."""
        chosen = _CHOICE.fullmatch(message)
        if chosen:
            known = re.findall(r"[\w-]+", chosen[3])
            near = difflib.get_close_matches(chosen[2], known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            message = f"there is no {chosen[1].partition('|')[0].lower()} {chosen[2]!r}; {hint}"
        self.exit(2, f"{self.prog}: {message}\nSee: {self.prog} --help\n")


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


def method(text: str) -> Forward:
    """A way of forwarding."""
    try:
        return Forward(text)
    except ValueError as error:
        known = ", ".join(one.value for one in Forward)
        raise argparse.ArgumentTypeError(f"{text!r} is none of: {known}") from error


def installed_version() -> str:
    """The version of the installed package."""
    try:
        return version("director")
    except PackageNotFoundError:
        return "0"


def _shared(default: Any) -> Grammar:
    """Options before a command have defaults; behind it they are left alone when they are not given."""
    shared = Grammar(add_help=False)

    def add(*names: str, value: Any, **settings: Any) -> None:
        shared.add_argument(*names, default=value if default is None else default, **settings)

    add("--json", value=False, action="store_true", help="print JSON")
    add("--socket", value="", metavar="PATH", help="the director's control socket")
    add("-c", "--config", value="", metavar="FILE", help=f"its configuration ({' or '.join(DEFAULT_FILES)})")
    return shared


def parser(commands: Commands) -> argparse.ArgumentParser:
    """The whole grammar; `commands` has a function for each."""
    top = Grammar(
        prog="director",
        description="Look at a running director, change it, and ask it why.",
        epilog="The director itself is started with: twistd -n director -c FILE",
        parents=[_shared(None)],
    )
    top.add_argument("--version", action="version", version=f"director {installed_version()}")
    made = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    shared = _shared(argparse.SUPPRESS)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        one: argparse.ArgumentParser = made.add_parser(name, help=text, description=text, parents=[shared])
        one.set_defaults(run=commands[name])
        return one

    _looking(add)
    _changing(add)
    _others(add)
    return top


Add = Callable[[str, str], argparse.ArgumentParser]


def _looking(add: Add) -> None:
    made = add("check", "Check a configuration file; 0 clean, 2 errors.")
    made.add_argument("file", metavar="FILE", help="or - for standard input")
    made.add_argument("--strict", action="store_true", help="exit with 1 when there are warnings")
    made.add_argument(
        "--offline", action="store_true", help="ask neither for names nor whether servers answer"
    )
    made = add("show", "Show what the director has.")
    made.add_argument("thing", choices=THINGS, metavar="THING", help=" | ".join(THINGS))
    made.add_argument(
        "filter",
        nargs="*",
        metavar="FILTER",
        help="rows with all of these words; of connections also client=, service=, server=, limit=, after=",
    )
    made.add_argument(
        "--wide", action="store_true", help="all columns, and no folding to the terminal's width"
    )
    made.add_argument("--watch", action="store_true", help="show it again every two seconds")
    made = add("why", "Why a request went where it went, or where one would go.")
    made.add_argument("what", metavar="ID|METHOD", help="a request's id; or a method, and then a URL")
    made.add_argument("url", nargs="?", metavar="URL")
    made.add_argument("-H", "--header", action="append", default=[], metavar="'NAME: VALUE'")
    made.add_argument("--client", default="127.0.0.1", metavar="IP", help="as if it came from there")
    made.add_argument(
        "--down", action="extend", nargs="+", default=[], metavar="POOL/SERVER", help="as if these were down"
    )


def _changing(add: Add) -> None:
    for name, text in (
        ("ready", "Let servers take new clients."),
        ("drain", "Let servers finish, without new clients."),
        ("maint", "Let servers take nothing new, not even from clients bound to them."),
    ):
        made = add(name, text)
        made.add_argument("servers", nargs="+", metavar="POOL/SERVER")
        made.add_argument("--dry-run", action="store_true", help="say what would be done")
        if name == "drain":
            made.add_argument("--wait", type=seconds, metavar="TIME", help="until all are empty, or so long")
    made = add("weight", "Change the weight of servers; 0 = no new work.")
    made.add_argument("servers", nargs="+", metavar="POOL/SERVER")
    made.add_argument("number", type=whole, metavar="N")
    made.add_argument("--dry-run", action="store_true", help="say what would be done")
    made = add("add", "Add a server, a pool, a service or a rule, over the file.")
    made.add_argument("kind", choices=KINDS, metavar="|".join(KINDS))
    made.add_argument("name", metavar="NAME", help="POOL/SERVER, POOL, l7:NAME or l4:NAME, 'NUMBER TITLE'")
    made.add_argument("keys", nargs="*", metavar="KEY=VALUE", help="as in the ini; of a server address=…")
    made.add_argument("--dry-run", action="store_true", help="say what would be done")
    made = add("remove", "Remove a server, a pool, a service or a rule.")
    made.add_argument("kind", choices=KINDS, metavar="|".join(KINDS))
    made.add_argument("name", metavar="NAME", help="POOL/SERVER, POOL, l7:NAME or l4:NAME, NUMBER")
    made.add_argument("--drain", metavar="TIME", default="", help="of a server: let its work end, so long")
    made.add_argument("--force", action="store_true", help="of a server: whatever it holds")
    made.add_argument("--dry-run", action="store_true", help="say what would be done")
    made = add("undo", "Take back what a generation changed.")
    made.add_argument("generation", nargs="?", type=whole, metavar="GENERATION", help="the last one if none")
    made.add_argument("--dry-run", action="store_true", help="say what would be done")
    made = add("reload", "Apply the configuration file.")
    made.add_argument("--dry-run", action="store_true", help="say what would be done")
    made = add("token", "A link that signs in a browser, or a new admin token.")
    made.add_argument("action", choices=("link", "rotate"), metavar="link|rotate")


def _others(add: Add) -> None:
    made = add("config", "Print the merged configuration, or rules of LVS as one.")
    made.add_argument("action", choices=("export", "import"), metavar="export|import")
    made.add_argument("source", nargs="*", metavar="ipvsadm FILE", help="a file to import, or -")
    made = add("lab", "A client, a director and real servers in network namespaces.")
    made.add_argument("action", choices=("up", "down", "run"), metavar="up|down|run")
    made.add_argument("methods", nargs="*", type=method, metavar="nat|dr|tun")
    made = add("passwd", "Make the section of a user.")
    made.add_argument("user", metavar="USER")
    made.add_argument("--role", choices=("viewer", "operator", "admin"), default="viewer")
    made = add("drill", "Rehearse failures.")
    made.add_argument("action", choices=("run",), metavar="run")
    made.add_argument("file", metavar="FILE")
    made = add("completion", "A script that completes commands in a shell.")
    made.add_argument("shell", choices=SHELLS, metavar="|".join(SHELLS))

"""`director config export` and `director config import`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from director.cli.client import Refused
from director.cli.command import Command, argument
from director.cli.invocation import USAGE, Invocation
from director.cli.lvs import importing as ipvsadm
from director.cli.lvs.tcpvs import importing as tcpvs

FORMATS: Mapping[str, Callable[[str, str], Iterable[str]]] = {
    "ipvsadm": lambda _name, text: ipvsadm.sections(text.splitlines()),
    "tcpvs": tcpvs.sections,
}
"""What can be imported: sections of an ini from a file's name and its text."""
STANDARD_INPUT = "-"


def export(call: Invocation) -> int:
    """The merged configuration: the file and what was changed over it."""
    return call.show(call.client.text("config"), str)


def take_over(call: Invocation) -> int:
    """Another program's rules as sections of an ini; needs no director."""
    name = call.options.file
    sections = FORMATS[call.options.format](name, _text(name))
    return call.show("".join(sections), str)


def _text(name: str) -> str:
    try:
        return sys.stdin.read() if name == STANDARD_INPUT else Path(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{name} cannot be read: {error}", code=USAGE) from error


COMMAND = Command(
    "config",
    "Print the merged configuration, or rules of LVS as one.",
    parts=(
        Command("export", "Print the merged configuration.", export),
        Command(
            "import",
            "Print another program's rules as sections of an ini.",
            take_over,
            (
                argument(
                    "format",
                    choices=tuple(FORMATS),
                    metavar="FORMAT",
                    help="ipvsadm: a file of ipvsadm-save -n; tcpvs: a file of tcpvsadm",
                ),
                argument("file", metavar="FILE", help="or - for standard input"),
            ),
        ),
    ),
)

"""`director config export` and `director config import`."""

from __future__ import annotations

from director.cli.command import Command, argument
from director.cli.invocation import Invocation
from director.cli.lvs.importing import imported


def export(call: Invocation) -> int:
    """The merged configuration: the file and what was changed over it."""
    return call.show(call.client.text("config"), str)


def take_over(call: Invocation) -> int:
    """Another program's rules as sections of an ini; needs no director."""
    return call.show(imported(call.options.source), str)


COMMAND = Command(
    "config",
    "Print the merged configuration, or rules of LVS as one.",
    parts=(
        Command("export", "Print the merged configuration.", export),
        Command(
            "import",
            "Print another program's rules as sections of an ini.",
            take_over,
            (argument("source", nargs="*", metavar="ipvsadm FILE", help="a file to import, or -"),),
        ),
    ),
)

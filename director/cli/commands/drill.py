"""`director drill run FILE`."""

from __future__ import annotations

from director.cli.client import Refused
from director.cli.command import Command, argument
from director.cli.invocation import Invocation


def run(call: Invocation) -> int:
    """Refused: fault drills are not in this version."""
    raise Refused("fault drills are not in this version")


COMMAND = Command(
    "drill",
    "Rehearse failures.",
    parts=(Command("run", "Run a drill.", run, (argument("file", metavar="FILE"),)),),
)

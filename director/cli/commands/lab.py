"""`director lab up|down|run [METHOD …]`."""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Sequence
from typing import Any

from director.cli.client import Refused
from director.cli.command import Command, argument
from director.cli.invocation import DONE, REFUSED, Invocation, say
from director.errors import DirectorError
from director.model.pools import Forward


def method(text: str) -> Forward:
    """A way of forwarding."""
    try:
        return Forward(text)
    except ValueError as error:
        known = ", ".join(one.value for one in Forward)
        raise argparse.ArgumentTypeError(f"{text!r} is none of: {known}") from error


def run(call: Invocation) -> int:
    """A client, a director and real servers, in namespaces of their own."""
    try:
        found = importlib.import_module("director.demo.lab")
    except ImportError as error:
        raise Refused(f"the namespace lab is not in this installation ({error})") from error
    methods, action = tuple(call.options.methods), call.options.action
    lines: list[str] = []
    tell = lines.append if call.as_json else say_line
    try:
        if action == "run":
            return ran(found.lab_run(methods or found.METHODS, tell), as_json=call.as_json)
        if action == "up":
            found.lab_up((methods or (Forward.NAT,))[0], tell)
        else:
            found.lab_down(tell)
    except DirectorError as error:
        raise Refused(str(error)) from error
    if call.as_json:
        say(json.dumps({"said": lines}, indent=2) + "\n")
    return DONE


def ran(reports: Sequence[Any], *, as_json: bool) -> int:
    """The end of `lab run`: 1 when a method failed."""
    if as_json:
        shown = [
            {"method": one.method.value, "transfer": one.transfer, "failed": one.failed} for one in reports
        ]
        say(json.dumps(shown, indent=2) + "\n")
    return REFUSED if any(one.failed for one in reports) else DONE


def say_line(line: str) -> None:
    """Print a line at once."""
    say(line + "\n")


COMMAND = Command(
    "lab",
    "A client, a director and real servers in network namespaces.",
    run,
    (
        argument("action", choices=("up", "down", "run"), metavar="up|down|run"),
        argument("methods", nargs="*", type=method, metavar="nat|dr|tun"),
    ),
)

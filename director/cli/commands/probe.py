"""`director probe POOL/SERVER…`: make a server's checks now, and show what they found."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from director.cli.client import Refused
from director.cli.command import Command, argument
from director.cli.commands.servers import split
from director.cli.invocation import DONE, Invocation
from director.cli.output import proofs

POLL_SECONDS = 0.1
PATIENCE = 300.0
"""Seconds to wait for what a check found; each has a time-out of its own, which is shorter as a rule."""
FAILED = 1
NEWER = 0.0005
"""Seconds by which a later result differs; the wall clock is worked out anew for each answer."""

Evidence = Mapping[str, Any]


def run(call: Invocation) -> int:
    """Ask, wait for each check's next result, and print the evidence; 1 when one of them did not pass."""
    servers = [split(one) for one in call.options.servers]
    before = [call.client.get("checks", *one) for one in servers]
    for one, found in zip(servers, before, strict=True):
        if not found["checks"]:
            hint = f"write check = and the name of a [check:…] into [pool:{one[0]}]"
            raise Refused(f"no check is made of {'/'.join(one)}; {hint}")
    for one in servers:
        call.client.post("checks", *one)
    found = [_result(call, *pair) for pair in zip(servers, before, strict=True)]
    value = found[0] if len(found) == 1 else found
    call.show(value, lambda _: "\n".join(proofs.evidence(one, call.width) for one in found))
    return DONE if all(map(_passed, found)) else FAILED


def _result(call: Invocation, server: tuple[str, str], before: Evidence) -> dict[str, Any]:
    """The evidence once each check has a result that it had not.  Raises Refused when there is none."""
    end = time.monotonic() + PATIENCE
    old = {one["check"]: _last(one) for one in before["checks"]}
    while True:
        found: dict[str, Any] = call.client.get("checks", *server)
        waiting = [one for one in found["checks"] if _last(one) <= old.get(one["check"], 0.0) + NEWER]
        if not waiting:
            return found
        if time.monotonic() > end or not any(_is_due(one) for one in waiting):
            names = ", ".join(one["check"] for one in waiting)
            name = "/".join(server)
            raise Refused(f"nothing was found by {names}: {name} is {found['status']}", name)
        time.sleep(POLL_SECONDS)


def _last(check: Evidence) -> float:
    return float(check["results"][-1]["time"]) if check["results"] else 0.0


def _is_due(check: Evidence) -> bool:
    """It runs, or is about to."""
    return check["next_in"] is None or check["next_in"] <= 0.0


def _passed(found: Evidence) -> bool:
    return all(one["results"][-1]["result"] == "passed" for one in found["checks"])


COMMAND = Command(
    "probe",
    "Make servers' checks now, and show the evidence; 1 when one does not pass.",
    run,
    (argument("servers", nargs="+", metavar="POOL/SERVER"),),
)

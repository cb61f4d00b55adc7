"""Orders for servers: `ready`, `drain`, `maint` and `weight`."""

from __future__ import annotations

import time
from typing import Any

from director.cli.client import Refused
from director.cli.command import DRY_RUN, Command, argument, seconds, whole
from director.cli.invocation import USAGE, Invocation, kept, say, warn
from director.cli.output import changes

POLL_SECONDS = 1.0


def split(server: str) -> tuple[str, str]:
    """`POOL/SERVER` in its two names.  Raises Refused."""
    pool, slash, name = server.partition("/")
    if not (pool and slash and name):
        text = f"{server!r} is not POOL/SERVER, such as web/a; `director show servers` lists them"
        raise Refused(text, code=USAGE)
    return pool, name


def change(call: Invocation, order: dict[str, Any]) -> int:
    """Change servers: all of them, or, when one cannot be changed, none."""
    servers, rehearsal = [split(one) for one in call.options.servers], call.options.dry_run
    rehearsed = [_patch(call, one, order, dry_run=True) for one in servers if len(servers) > 1 or rehearsal]
    answers = rehearsed if rehearsal else [_patch(call, one, order) for one in servers]
    value = answers if len(servers) > 1 else answers[0]
    code = call.show(value, lambda _: "".join(changes.applied(one) for one in answers))
    if rehearsal:
        return code
    for pool, name in servers:
        hint = changes.still_idle(call.client.get("pools", pool, "servers", name), order)
        if hint:
            warn(hint)
    return max(kept(one) for one in answers)


def _patch(call: Invocation, server: tuple[str, str], order: dict[str, Any], *, dry_run: bool = False) -> Any:
    pool, name = server
    return call.client.patch(
        "pools", pool, "servers", name, order=order, query="dry_run=1" if dry_run else ""
    )


def state(call: Invocation) -> int:
    """`ready`, `drain` or `maint`."""
    code = change(call, {"state": call.options.command})
    if getattr(call.options, "wait", None) is not None and not call.options.dry_run:
        wait_empty(call)
    return code


def wait_empty(call: Invocation) -> None:
    """`drain --wait TIME`: until the servers hold nothing any more.  Raises Refused when they do not end."""
    end = time.monotonic() + call.options.wait
    for one in call.options.servers:
        pool, name = split(one)
        while not (server := call.client.get("pools", pool, "servers", name))["empty"]:
            if time.monotonic() >= end:
                text = f"{server['load']} still on it after {call.options.wait:g} s; it goes on draining"
                raise Refused(text, one)
            time.sleep(POLL_SECONDS)
        if not call.as_json:
            say(f"{one} is empty\n")


def weight(call: Invocation) -> int:
    """`weight POOL/SERVER… N`."""
    return change(call, {"weight": call.options.number})


_SERVERS = argument("servers", nargs="+", metavar="POOL/SERVER")
COMMANDS = (
    Command("ready", "Let servers take new clients.", state, (_SERVERS, DRY_RUN)),
    Command(
        "drain",
        "Let servers finish, without new clients.",
        state,
        (
            _SERVERS,
            DRY_RUN,
            argument("--wait", type=seconds, metavar="TIME", help="until all are empty, or so long"),
        ),
    ),
    Command(
        "maint",
        "Let servers take nothing new, not even from clients bound to them.",
        state,
        (_SERVERS, DRY_RUN),
    ),
    Command(
        "weight",
        "Change the weight of servers; 0 = no new work.",
        weight,
        (_SERVERS, argument("number", type=whole, metavar="N"), DRY_RUN),
    ),
)

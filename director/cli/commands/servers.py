"""Orders for servers: `ready`, `drain`, `maint` and `weight`."""

from __future__ import annotations

import re
import time
from typing import Any

from director.cli.client import Refused
from director.cli.command import DRY_RUN, Command, argument, seconds, whole
from director.cli.invocation import DONE, USAGE, Invocation, kept, say, warn
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
    """Change servers: all of them as one generation, or, when one cannot be changed, none."""
    servers = [split(one) for one in call.options.servers]
    query = "dry_run=1" if call.options.dry_run else ""
    if len(servers) == 1:
        (pool, name), *_ = servers
        answer = call.client.patch("pools", pool, "servers", name, order=order, query=query)
    else:
        answer = _all_of_them(call, servers, order, query)
    call.show(answer, changes.applied)
    if call.options.dry_run:
        return DONE
    for pool, name in servers:
        hint = changes.still_idle(call.client.get("pools", pool, "servers", name), order)
        if hint:
            warn(hint)
    return kept(answer)


def _all_of_them(call: Invocation, servers: list[tuple[str, str]], order: dict[str, Any], query: str) -> Any:
    steps = [
        {"verb": "change", "kind": "server", "name": f"{pool}/{name}", "keys": order}
        for pool, name in servers
    ]
    try:
        return call.client.post("changes", order={"changes": steps}, query=query)
    except Refused as refused:
        # Which step it was says nothing to who named servers.
        at = re.sub(r"^changes\[\d+\][ .]", "", refused.at)
        body = {**refused.body, "at": at} if isinstance(refused.body, dict) else refused.body
        raise Refused(str(refused), at, refused.status, body, refused.code) from refused


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

"""`director add` and `director remove`: servers, pools, services, rules, over the file."""

from __future__ import annotations

from urllib.parse import urlencode

from director.cli.client import Refused
from director.cli.command import DRY_RUN, Command, argument
from director.cli.commands.servers import split
from director.cli.invocation import USAGE, Invocation
from director.cli.output import changes

KINDS = ("server", "pool", "service", "rule")


def place(kind: str, name: str) -> tuple[str, ...]:
    """Where a thing of that kind and name is in the API."""
    if kind == "server":
        pool, server = split(name)
        return "pools", pool, "servers", server
    return f"{kind}s", name


def add(call: Invocation) -> int:
    """`add KIND NAME KEY=VALUE…`."""
    *where, name = place(call.options.kind, call.options.name)
    order = {"name": name}
    for word in call.options.keys:
        key, equals, value = word.partition("=")
        if not key or not equals:
            raise Refused(f"{word!r} is not KEY=VALUE, such as weight=2", code=USAGE)
        order[key] = value
    query = "dry_run=1" if call.options.dry_run else ""
    return call.show_change(call.client.post(*where, order=order, query=query), changes.applied)


def remove(call: Invocation) -> int:
    """`remove KIND NAME`."""
    options = call.options
    query = {"dry_run": "1"} if options.dry_run else {}
    query |= {"force": "1"} if options.force else {}
    query |= {"drain": options.drain} if options.drain else {}
    answer = call.client.delete(*place(options.kind, options.name), query=urlencode(query))
    if not answer:
        return call.show({"removed": options.name}, lambda _: f"{options.name} removed\n")
    return call.show_change(answer, changes.applied)


_KIND = argument("kind", choices=KINDS, metavar="|".join(KINDS))
COMMANDS = (
    Command(
        "add",
        "Add a server, a pool, a service or a rule, over the file.",
        add,
        (
            _KIND,
            argument("name", metavar="NAME", help="POOL/SERVER, POOL, l7:NAME or l4:NAME, 'NUMBER TITLE'"),
            argument("keys", nargs="*", metavar="KEY=VALUE", help="as in the ini; of a server address=…"),
            DRY_RUN,
        ),
    ),
    Command(
        "remove",
        "Remove a server, a pool, a service or a rule.",
        remove,
        (
            _KIND,
            argument("name", metavar="NAME", help="POOL/SERVER, POOL, l7:NAME or l4:NAME, NUMBER"),
            argument("--drain", metavar="TIME", default="", help="of a server: let its work end, so long"),
            argument("--force", action="store_true", help="of a server: whatever it holds"),
            DRY_RUN,
        ),
    ),
)

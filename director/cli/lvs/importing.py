"""`director config import ipvsadm FILE`: a file of `ipvsadm-save` as sections of an ini.

Names are those that `director-ipvsadm` would give (`remote`), so that a file that is imported and one that is
restored make the same director.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from director.cli.client import Refused
from director.cli.lvs.ipvsadm import Order, parse
from director.cli.lvs.popt import BadOptionError
from director.cli.lvs.remote import facts, name_of, server_name, settings
from director.model.pools import Address
from director.model.virtual import Virtual

DEFAULTS: Mapping[str, Any] = {"weight": 1, "max": 0, "min": 0, "tunnel": "ipip"}
"""What a server's line need not say."""


def sections(lines: Iterable[str]) -> Iterator[str]:
    """The sections of saved rules.  Raises Refused."""
    services: dict[Virtual, Order] = {}
    servers: dict[Virtual, list[Order]] = {}
    for number, line in enumerate(lines, 1):
        order = _order(number, line)
        if order is None:
            continue
        if order.command == "add-service":
            if services.setdefault(order.virtual, order) is not order:
                raise Refused(f"line {number}: {order.virtual} is added twice; delete one of the two")
        elif order.command == "add-server" and order.virtual in services:
            servers.setdefault(order.virtual, []).append(order)
        else:
            raise Refused(f"line {number}: {line.strip()!r} is none of -A and, behind its service, -a")
    for virtual, order in services.items():
        yield _section(order, servers.get(virtual, ()))


def _order(number: int, line: str) -> Order | None:
    """The order of one line; None where nothing stands."""
    try:
        words = shlex.split(line, comments=True)
        return parse(words[words[0] == "ipvsadm" :]) if words else None
    except (BadOptionError, ValueError) as error:
        raise Refused(f"line {number}: {str(error).strip()}") from error


def _section(order: Order, servers: Sequence[Order]) -> str:
    """The pool and the service."""
    name = name_of(order.virtual)
    lines = [f"[pool:{name}]", *map(_server, servers), "", f"[l4:{name}]", f"virtual = {order.virtual}"]
    lines.append(f"pool = {name}")
    for key, value in settings(order.service).items():
        if value is not None and value is not False:
            lines.append(f"{key} = {'yes' if value is True else value}")
    return "\n".join(lines) + "\n\n"


def _server(order: Order) -> str:
    found = order.destination
    words = [f"{key}={value}" for key, value in facts(found).items() if DEFAULTS.get(key) != value]
    place = Address(found.host, found.port)
    return " ".join([f"server.{server_name(found.host, found.port)} = {place}", *words])

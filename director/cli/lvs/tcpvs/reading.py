"""The services of KTCPVS that the director's answers tell of (the reverse of `objects`).

Services that the file or the API made are found as well, in the words of KTCPVS as far as it has some; the
rest becomes notes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import evolve

from director.cli.lvs.tcpvs.objects import WHOLE
from director.cli.lvs.tcpvs.table import HASHING, TcpvsRule, TcpvsServer, TcpvsService
from director.config.parse.addresses import address
from director.config.parse.expressions import parse_condition
from director.config.text.messages import BadValue
from director.model.conditions import Term
from director.model.pools import Address

Json = Mapping[str, Any]

ANY_WEIGHTED = frozenset({"wlc", "http", "phttp", "chttp"})
"""One and the same choice; which of these a service has, its other settings tell."""
NO_BOUND = 65535
"""`maxclients` of a service without a bound of its own: the largest that a file can say."""
_WHOLE = re.compile(rf"\(\?P<{WHOLE}>(.*)\)\Z", re.DOTALL)


def services(views: Sequence[Json], pools: Mapping[str, Json], rules: Sequence[Json]) -> list[TcpvsService]:
    """Those of layer 7, in the director's order, from its answers."""
    return [
        _service(view, pools, [one for one in rules if one["service"] == view["name"]])
        for view in views
        if view["layer"] == "l7"
    ]


def _service(view: Json, pools: Mapping[str, Json], rules: Sequence[Json]) -> TcpvsService:
    name = view["name"]
    base = pools.get(view["pool"] or name)
    places = [place(one) for one in view["listen"]]
    listens = [one for one in places if one is not None]
    local = [step.removeprefix("local ") for step in view["fault"] if step.startswith("local ")]
    numbers = view["ktcpvs"] or {}
    found = TcpvsService(
        name,
        listens[0] if listens else Address("0.0.0.0", 0),
        _scheduler(view, base, [pools[one["pool"]] for one in rules if one["pool"] in pools]),
        max_clients=min(view["max_connections"] or NO_BOUND, NO_BOUND),
        redirect=place(local[0]) if local else None,
        running=view["start"],
        pool=view["pool"] or name,
        catch_all=bool(view["pool"]),
        checks=tuple(base["checks"]) if base else (),
        notes=tuple(_other_listeners(view["listen"], listens[:1])),
    )
    if numbers:
        found = evolve(
            found,
            start_servers=numbers["startservers"],
            min_spare=numbers["minspareservers"],
            max_spare=numbers["maxspareservers"],
        )
    return _with_rules(found, base, pools, rules)


def _other_listeners(written: Sequence[str], told: Sequence[Address]) -> Iterator[str]:
    for one in written:
        if place(one) not in told:
            yield f"listens on {one}, too"


def _scheduler(view: Json, base: Json | None, others: Sequence[Json]) -> str:
    """The name that KTCPVS has for how the service works."""
    pool = next((one for one in (base, *others) if one is not None), None)
    name: str = pool["scheduler"] if pool is not None else "http"
    if view["protocol"] == "http" and name in ANY_WEIGHTED:
        if any(one is not None and one["persist"] for one in (base, *others)):
            return "chttp"
        return "http" if view["switch"] == "connection" else "phttp"
    return name


def _with_rules(
    service: TcpvsService, base: Json | None, pools: Mapping[str, Json], rules: Sequence[Json]
) -> TcpvsService:
    """With the servers of its pools and the rules that are patterns; the others are notes."""
    servers: dict[Address, TcpvsServer] = {}
    notes: list[str] = []

    def taken(pool: Json | None) -> tuple[Address, ...]:
        found = []
        for one in pool["servers"] if pool else ():
            at = place(one["address"])
            if at is None:
                notes.append(f"server {one['address']} {one['weight']}")
            else:
                servers.setdefault(at, TcpvsServer(at, one["weight"]))
                found.append(at)
        return tuple(found)

    taken(base)
    made: list[TcpvsRule] = []
    for one in sorted(rules, key=lambda rule: int(rule["number"])):
        pattern = pattern_of(one["when"], hashed=service.scheduler == HASHING)
        if pattern is None or one["pool"] is None:
            notes.append(f"rule {one['name']}: {one['action']} when {one['when'] or 'no other rule fits'}")
            continue
        match = one["hash"].rpartition(".")[2] if one["hash"] else ""
        number = int(match) if match.isdigit() else 0
        made.append(TcpvsRule(pattern, number, taken(pools.get(one["pool"])), one["number"], one["pool"]))
    for server in servers.values():
        service = service.with_server(server)
    return evolve(service, rules=tuple(made), notes=(*service.notes, *dict.fromkeys(notes)))


def pattern_of(when: str, *, hashed: bool = False) -> str | None:
    """The pattern of a rule whose condition is one; None for another condition."""
    if not when:
        return ".*"
    try:
        found = parse_condition(when)
    except BadValue:
        return None
    if not isinstance(found, Term) or found.operator != "~" or found.fact not in {"uri", "path"}:
        return None
    whole = _WHOLE.match(found.values[0]) if hashed else None
    return whole[1] if whole else found.values[0]


def place(text: str) -> Address | None:
    """An address that a KTCPVS file can say; None for a unix socket or an endpoint."""
    try:
        found = address(text, lowest=0, port_needed=False)
    except BadValue:
        return None
    if found.path or found.endpoint:
        return None
    return found if found.host else evolve(found, host="0.0.0.0")

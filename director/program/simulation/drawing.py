"""A schedule out of a seed and a configuration: the same two always make the same."""

from __future__ import annotations

from random import Random
from urllib.parse import urlsplit

from director.model.conditions import terms
from director.model.settings import Configuration
from director.program.simulation.likeness import Likeness
from director.program.simulation.orders import CHANGES
from director.program.simulation.schedule import ClientPlan, PlannedAsk, PlannedOrder, Schedule, Trouble

HOST = "www.example.org"
SPANS = (0.3, 2.0, 6.0)
"""Seconds over which things begin."""
METHODS = ("GET",) * 6 + ("HEAD", "POST", "POST", "PUT", "DELETE")
SIZES = (0, 20, 20, 20, 20, 20, 1000, 1000, 20_000, 20_000, 200_000, 2_000_000)
UPLOADS = (0, 10, 3000, 90_000)
NUMBERS = {
    "slow": (0.2, 1.5, 8.0),
    "reset": (0, 10, 150, 700),
    "truncate": (0, 10, 150, 700),
    "status": (500, 503, 503, 404),
    "drip": (1, 20, 400),
    "idle": (0.0, 0.003, 0.1, 1.0),
}
"""What may stand behind the kinds of trouble that have a number."""
KINDS = (
    "refuse", "refuse", "silent", "crash", "crash", "leave", "hang", "slow", "empty", "empty", "reset",
    "truncate", "garbage", "status", "status", "drip", "surplus", "idle", "idle", "early", "deaf", "sick",
)  # fmt: skip
VERBS_DRAWN = (
    "drain", "drain", "maint", "ready", "ready", "weight", "add", "remove", "undo", "reload", "reload",
    "inject", "freeze", "hog", "starve", "stop",
)  # fmt: skip
HOLD_UPS = (0.04, 0.2, 1.0, 4.0, 40.0)
"""Seconds for which the process stands still, or lacks descriptors."""


Asked = dict[str, list[tuple[str, str]]]
"""(host, target) of what may be asked for, by service."""


def draw(seed: int, likeness: Likeness, written: Configuration) -> Schedule:
    """The schedule of a seed."""
    chance = Random(f"{seed} schedule")
    span = chance.choice(SPANS)
    asked = {service.name: places(likeness.configuration, written, service.name) for service in written.l7}
    names = [name for name in likeness.doors if likeness.doors[name]]
    by_h2 = {
        one.name for one in likeness.configuration.l7 if one.switch == "request" and one.protocol == "http"
    }
    clients = tuple(
        _client(chance, number, span, chance.choice(names), asked, by_h2)
        for number in range(chance.choice((1, 3, 6, 12)))
    )
    troubles = tuple(_trouble(chance, span, likeness) for _ in range(chance.choice((0, 1, 2, 3, 5))))
    orders = tuple(
        order
        for number in range(chance.choice((0, 0, 1, 2, 4)))
        if (order := _order(chance, span, likeness.configuration, number)) is not None
    )
    return Schedule(seed, clients, troubles, orders)


def places(configuration: Configuration, written: Configuration, service: str) -> list[tuple[str, str]]:
    """(host, target) of what may be asked for: what rules speak of, and what `[test:…]` ask."""
    found = [(HOST, "/")]
    for rule in configuration.rules:
        if rule.service == service:
            hosts, paths = [HOST], ["/"]
            for term in terms(rule.when):
                values = [one for one in term.values if "*" not in one and one]
                if term.fact == "host" and term.operator in {"=", "in"}:
                    hosts += values
                elif term.fact == "path" and term.operator in {"=", "^="}:
                    paths += values
            found += [(hosts[-1], paths[0]), (hosts[0], paths[-1])]
    for test in written.tests:
        parts = urlsplit(test.uri)
        target = parts.path or "/"
        found.append((parts.hostname or HOST, f"{target}?{parts.query}" if parts.query else target))
    return list(dict.fromkeys(found))


def _client(
    chance: Random, number: int, span: float, service: str, asked: Asked, by_h2: set[str]
) -> ClientPlan:
    alike = chance.random() < 0.25
    asks = tuple(_ask(chance, asked[service], alike=alike) for _ in range(chance.choice((1, 1, 2, 4, 8))))
    if alike:
        asks = (asks[0],) * len(asks)
    slow = chance.choice((0.0,) * 6 + (0.002, 0.05))
    leaves = chance.choice(("",) * 12 + ("abort", "end", "half", "junk"))
    cut = chance.choice((0,) * 5 + (1, 30))
    speaks = "h2" if chance.random() < 0.2 and service in by_h2 else "h1"
    return ClientPlan(
        number,
        round(chance.random() * span, 3),
        service,
        asks,
        pause=chance.choice((0.0, 0.0, 0.01, 0.5)),
        pipelined=chance.random() < 0.2,
        cut=cut,
        rest=chance.choice((0.0, 0.001, 0.05)) if cut else 0.0,
        slow=slow,
        leaves=leaves,
        after=round(chance.random() * span, 3) if leaves == "abort" else 0.0,
        alike=alike,
        speaks=speaks,
    )


def _ask(chance: Random, places: list[tuple[str, str]], *, alike: bool) -> PlannedAsk:
    host, target = chance.choice(places)
    method = "GET" if alike else chance.choice(METHODS)
    upload = chance.choice(UPLOADS) if method in {"POST", "PUT"} else 0
    return PlannedAsk(
        method,
        host,
        target,
        size=chance.choice(SIZES),
        framing=chance.choice(("length", "length", "length", "chunked", "close")),
        think=chance.choice((0.0, 0.0, 0.005, 0.1)),
        upload=upload,
        chunked=bool(upload) and chance.random() < 0.3,
        expect=bool(upload) and chance.random() < 0.2,
        once=chance.random() < 0.1,
        hints=chance.choice((0,) * 12 + (1, 2)),
    )


def _trouble(chance: Random, span: float, likeness: Likeness) -> Trouble:
    kind = chance.choice(KINDS)
    at = round(chance.random() * span, 3)
    server = chance.choice([*likeness.servers.values()])
    number = chance.choice(NUMBERS.get(kind, (0.0,)))
    return Trouble(at, server, kind, round(at + chance.choice((0.1, 1.0, 5.0)), 3), float(number))


def _order(chance: Random, span: float, configuration: Configuration, number: int) -> PlannedOrder | None:
    at = round(chance.random() * span, 3)
    verb = chance.choice(VERBS_DRAWN)
    if verb == "inject":
        names = [fault.name for fault in configuration.faults]
        return PlannedOrder(at, verb, chance.choice(names), number=chance.randrange(1000)) if names else None
    if verb in {"undo", "stop"}:
        return PlannedOrder(at, verb)
    if verb in {"freeze", "hog", "starve"}:
        return PlannedOrder(at, verb, number=chance.choice(HOLD_UPS))
    if verb == "reload":
        return PlannedOrder(at, verb, number=chance.randrange(len(CHANGES)))
    pool = chance.choice([one for one in configuration.pools if one.servers] or [None])
    if pool is None:
        return None
    server = chance.choice(pool.servers).name
    if verb == "add":
        return PlannedOrder(at, verb, pool.name, f"new{number}", number + 1)
    return PlannedOrder(at, verb, pool.name, server, chance.choice((0, 1, 5)) if verb == "weight" else 0)

"""A service of KTCPVS as objects of the registry, and the difference between two (design 4).

| KTCPVS | director |
|---|---|
| service NAME | `l7:NAME`, and a pool NAME with the servers of no rule and the scheduler |
| `http`, `hhttp` | `switch = connection`: the first request decides for its connection |
| `phttp`, `chttp`, `yhttp` | `switch = request`; of the last two the cookie `KTCPVS_SID` |
| `wlc` | `protocol = tcp`; all requests go to the pool NAME |
| a pattern | a rule `uri ~ PATTERN` with a pool of its own, `NAME-NUMBER`; of `hhttp` with a `hash` |
| `fault_redirect`, `redirect` | `fault = active, local ADDRESS` |
| `maxclients` | `max_connections` |
| the numbers of children | `ktcpvs`: kept and shown |

A server of KTCPVS is in one rule at most and has one weight, so it stands in one pool: it moves when a rule
takes it.  Where requests without a rule go to the pool of the service (`catch_all`), it stays there as well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from attrs import evolve

from director.cli.lvs.remote import Json, server_name, step
from director.cli.lvs.table import KernelError
from director.cli.lvs.tcpvs.table import HASHING, RELAYING, TcpvsRule, TcpvsService
from director.config.parse.expressions import written
from director.model.pools import Address

Keys = dict[str, Any]
Objects = dict[tuple[str, str], Keys]
"""Keys of the ini by kind (`pool`, `server`, `service`, `rule`) and name."""
Named = Callable[[str, Address], str]
"""How the server of a pool at an address is called."""

SAME = {"yhttp": "chttp"}
"""Schedulers of KTCPVS that do what another does."""
SESSIONS = frozenset({"chttp", "yhttp"})
PER_CONNECTION = frozenset({"http", HASHING})
COOKIE = "cookie KTCPVS_SID insert follow"
WHOLE = "match"
"""The name of the group around a pattern all of whose match is hashed."""
FIRST_NUMBER = 500_000
"""Of the first rule of a service: there is room in front of it and behind it."""
LARGEST_NUMBER = 999_999_999


def own_name(pool: str, address: Address) -> str:
    """How a server that such a command adds is called."""
    return server_name(address.host, address.port)


# --- rules get their numbers ----------------------------------------------------------------------


def numbered(service: TcpvsService, taken: Collection[int]) -> TcpvsService:
    """The service with a number and a pool for each rule; `taken` are those of all rules that there are.

    Raises KernelError when there is no number left where one is needed.
    """
    used = set(taken)
    rules = list(service.rules)
    known = next((at for at, rule in enumerate(rules) if rule.number is not None), 0)

    def give(at: int, number: int, step: int) -> None:
        number = _free(used, number, step)
        used.add(number)
        rules[at] = evolve(rules[at], number=number, pool=rules[at].pool or f"{service.ident}-{number}")

    for at in range(known - 1, -1, -1):
        give(at, _number(rules[at + 1]) - 1, -1)
    for at, rule in enumerate(rules):
        if rule.number is None:
            give(at, _number(rules[at - 1]) + 1 if at else FIRST_NUMBER, 1)
    return evolve(service, rules=tuple(rules))


def _number(rule: TcpvsRule) -> int:
    assert rule.number is not None  # noqa: S101 - its neighbours get theirs first
    return rule.number


def _free(used: Collection[int], number: int, step: int) -> int:
    while number in used:
        number += step
    if not 0 <= number <= LARGEST_NUMBER:
        text = (
            "no number is left for another rule in front of the others; delete the service and load it anew"
        )
        raise KernelError("ENOSPC", text)
    return number


# --- objects ----------------------------------------------------------------------------------------


def objects(service: TcpvsService, named: Named = own_name) -> Objects:
    """The pools, servers, rules and the service itself, in the order in which they can be made."""
    found: Objects = {}
    for pool in (service.own_pool, *(rule.pool for rule in service.rules)):
        found["pool", pool] = _pool(service)
    weights = {one.address: one.weight for one in service.servers}
    for pool, addresses in _places(service):
        for address in addresses:
            keys = {"address": str(address), "weight": weights.get(address, 1)}
            found["server", f"{pool}/{named(pool, address)}"] = keys
    found["service", f"l7:{service.ident}"] = _service(service)
    for rule in service.rules:
        found["rule", str(rule.number)] = _rule(service, rule)
    return found


def _places(service: TcpvsService) -> Iterator[tuple[str, Sequence[Address]]]:
    """Which servers stand in which pool."""
    ruled = {address for rule in service.rules for address in rule.servers}
    stays = service.catch_all or service.scheduler == RELAYING
    yield service.own_pool, [one.address for one in service.servers if stays or one.address not in ruled]
    for rule in service.rules:
        yield rule.pool, rule.servers


def _pool(service: TcpvsService) -> Keys:
    return {
        "scheduler": SAME.get(service.scheduler, service.scheduler),
        "persist": COOKIE if service.scheduler in SESSIONS else None,
        "check": ", ".join(service.checks) or None,
    }


def _service(service: TcpvsService) -> Keys:
    relayed = service.scheduler == RELAYING
    local = [f"local {service.redirect}"] if service.redirect else []
    steps = local if relayed else ["active", *local]
    switch = "connection" if service.scheduler in PER_CONNECTION else "request"
    return {
        "listen": str(service.listen),
        "start": "yes" if service.running else "no",
        "protocol": "tcp" if relayed else "http",
        "pool": service.own_pool if relayed or service.catch_all else None,
        "switch": None if relayed else switch,
        "fault": ", ".join(steps) or None,
        "fault_on": "no_server, connect",
        "forwarded": None if relayed else "off",
        "max_connections": service.max_clients,
        "ktcpvs": children(service),
    }


def children(service: TcpvsService) -> str:
    """The numbers of child processes as behind `ktcpvs =`."""
    return (
        f"startservers {service.start_servers}, minspareservers {service.min_spare}, "
        f"maxspareservers {service.max_spare}"
    )


def _rule(service: TcpvsService, rule: TcpvsRule) -> Keys:
    hashed = service.scheduler == HASHING
    whole = hashed and not rule.match
    pattern = f"(?P<{WHOLE}>{rule.pattern})" if whole else rule.pattern
    return {
        "title": service.ident,
        "service": service.ident,
        "when": f"uri ~ {written(pattern)}",
        "pool": rule.pool,
        "hash": f"uri.{rule.match or WHOLE}" if hashed else None,
    }


# --- differences ------------------------------------------------------------------------------------

_ORDER = ("pool", "server", "service", "rule")


def steps(old: Mapping[tuple[str, str], Keys], new: Mapping[tuple[str, str], Keys]) -> list[Json]:
    """The changes that make `new` of `old`: what is named is there before what names it."""
    gone = [key for key in old if key not in new]
    lost_pools = {name for kind, name in gone if kind == "pool"}
    found = [step("remove", *key) for key in gone if key[0] == "rule"]
    found += [step("remove", *key) for key in gone if key[0] == "server" and pool_of(key) not in lost_pools]
    for kind in _ORDER:
        for key, keys in new.items():
            if key[0] == kind:
                found += _made(key, old.get(key), keys)
    found += [step("remove", *key) for key in gone if key[0] == "service"]
    return found + [step("remove", *key) for key in gone if key[0] == "pool"]


def pool_of(key: tuple[str, str]) -> str:
    """The pool that a pool or server is about."""
    return key[1].partition("/")[0]


def _made(key: tuple[str, str], old: Keys | None, new: Keys) -> Iterator[Json]:
    if old is None:
        yield step("add", *key, {name: value for name, value in new.items() if value is not None})
        return
    changed = {name: value for name, value in new.items() if value != old.get(name)}
    if changed:
        yield step("change", *key, changed)

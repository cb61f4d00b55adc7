"""`director show lvs`: services of both layers as `ipvsadm -Ln` lists those of layer 4.

A service of layer 7 stands once for each address that it listens on, as HTTP or TCP, with the servers of all
pools that it sends to; their way of forwarding is `Proxy`.  Its name stands where flags would.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from director.cli.lvs import listing
from director.cli.lvs.addresses import service_name, shown
from director.cli.lvs.ipvsadm import Order
from director.cli.lvs.listing import SERVER_WIDTH
from director.cli.lvs.remote import Json, ipvs_service
from director.cli.lvs.table import Destination, IpvsService

PROXY = "Proxy"
ORDER = Order("list", {"numeric"})
WRITTEN = "listed"
"""The key of a row that has its first line; it is for the listing, not for JSON."""

Row = dict[str, Any]


def rows(services: Sequence[Json], pools: Mapping[str, Json], rules: Sequence[Json]) -> list[Row]:
    """One row for each address of a service, those of layer 4 first and in the order of ipvsadm."""
    l4 = {one["key"]: ipvs_service(one, pools[one["pool"]]) for one in services if one["layer"] == "l4"}
    keys = {id(one): key for key, one in l4.items()}
    pool_of = {one["key"]: pools[one["pool"]] for one in services if one["key"] in l4}
    found = []
    for one in listing.ordered_services(l4.values()):
        key = keys[id(one)]
        found.append(_of_layer4(key, one, pool_of[key]))
    for view in services:
        if view["layer"] == "l7":
            found += _of_layer7(view, _pools(view, pools, rules))
    return found


def _of_layer4(key: str, one: IpvsService, pool: Json) -> Row:
    virtual = one.virtual
    name = service_name(virtual, numeric=True)
    protocol, _, address = name.partition(" ")
    names = [server["name"] for server in reversed(pool["servers"])]
    named = {id(found): known for found, known in zip(one.destinations, names, strict=True)}

    def server(found: Destination) -> Row:
        address = shown(found.host, found.port, virtual.protocol, numeric=True)
        return _server(pool, named[id(found)], address, listing.FORWARD[found.forward], found)

    return {
        "service": key,
        "protocol": protocol,
        "address": address.strip(),
        "scheduler": one.scheduler,
        "flags": list(one.flags),
        "persistent": one.persistent,
        "ops": one.ops,
        "servers": [server(found) for found in listing.ordered(one.destinations)],
        WRITTEN: f"{name} {listing.described(one)}",
    }


def _of_layer7(view: Json, pools: Sequence[Json]) -> Iterator[Row]:
    protocol = "HTTP" if view["protocol"] == "http" else "TCP"
    scheduler = ",".join(dict.fromkeys(one["scheduler"] for one in pools)) or "-"
    persistent = ",".join(dict.fromkeys(one["persist"] for one in pools if one["persist"])) or None
    cookie = f" persistent cookie {persistent}" if persistent else ""
    servers = [
        {
            "server": f"{pool['name']}/{one['name']}",
            "address": one["address"],
            "forward": PROXY,
            **{key: one[key] for key in ("weight", "active", "inactive")},
        }
        for pool in pools
        for one in pool["servers"]
    ]
    for address in view["listen"]:
        yield {
            "service": view["key"],
            "protocol": protocol,
            "address": address,
            "scheduler": scheduler,
            "flags": [],
            "persistent": persistent,
            "ops": False,
            "servers": servers,
            WRITTEN: f"{protocol:<4} {address} {scheduler}{cookie} {view['key']}",
        }


def _server(pool: Json, name: str, address: str, forward: str, one: Destination) -> Row:
    counts = {"weight": one.weight, "active": one.active, "inactive": one.inactive}
    return {"server": f"{pool['name']}/{name}", "address": address, "forward": forward, **counts}


def _pools(view: Json, pools: Mapping[str, Json], rules: Sequence[Json]) -> list[Json]:
    """The pools of a service of layer 7: its own, those of its rules, of its fault path."""
    names = [view["pool"], *(one["pool"] for one in rules if one["service"] == view["name"])]
    names += [step.removeprefix("pool ") for step in view["fault"] if step.startswith("pool ")]
    return [pools[name] for name in dict.fromkeys(names) if name in pools]


def plain(one: Mapping[str, Any]) -> Row:
    """A row without how it is written."""
    return {key: value for key, value in one.items() if key != WRITTEN}


def text(found: Sequence[Mapping[str, Any]], size: int) -> str:
    """The listing; `size` is that of the connection table."""
    lines = [listing.version(size), *listing.heading(ORDER)]
    for one in found:
        lines += [one[WRITTEN], *map(_line, one["servers"])]
    return "".join(f"{line}\n" for line in lines)


def _line(one: Mapping[str, Any]) -> str:
    return (
        f"  -> {one['address'][:SERVER_WIDTH]:<28} {one['forward']:<7} {one['weight']:<6} "
        f"{one['active']:<10} {one['inactive']:<10}"
    )

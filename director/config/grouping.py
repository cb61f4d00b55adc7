"""Sections put in groups once, for questions that many others ask of them.

A thousand services of layer 4 may share a pool of a thousand servers, and each asks whether its servers fit:
what differs between servers is a few groups, so the answers cost as much as both lists together, not as much
as one times the other.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from director.config.parse.fields import Fields
from director.config.parse.values import addresses_of
from director.model.pools import Forward, Server


class Way(NamedTuple):
    """How layer 4 reaches a server: the method of its line, its IP version (0 = a name), its port."""

    forward: Forward | None
    version: int
    port: int


Ways = Mapping[str, Mapping[Way, list[tuple[str, Server]]]]
"""The servers of each pool, with their keys, by the way to them; each group in the order of the lines."""


def servers(pool: Fields) -> list[tuple[str, Server]]:
    """The servers of a pool by their keys."""
    return [(key, pool.get(key)) for key in pool.values if key.startswith("server.")]


def ways(pools: Iterable[Fields]) -> Ways:
    """Those of pools that layer 4 uses."""
    found: dict[str, dict[Way, list[tuple[str, Server]]]] = {}
    for pool in pools:
        groups = found.setdefault(pool.name, {})
        for key, server in servers(pool):
            way = Way(server.forward, version(server.address.host), server.address.port)
            groups.setdefault(way, []).append((key, server))
    return found


def version(host: str) -> int:
    """4 or 6; 0 for what is no IP address."""
    try:
        return ipaddress.ip_address(host).version
    except ValueError:
        return 0


def listeners(services: Iterable[Fields]) -> Mapping[tuple[str, int], Fields]:
    """Who listens on an address and a port, the last of several."""
    return {
        (address.host, address.port): service
        for service in services
        for address in addresses_of(service.get("listen"))
        if address.port
    }

"""Configurations for the rows of layer 4, in the grammar of the product."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

HEAD = """
[director]
name = rows
state_dir = state
shutdown_grace = 0s

[l4]
interfaces = d0, d1
{more}
"""
Service = tuple[str, str, str, str]
"""virtual, pool, forward, more lines."""


def pool(name: str, servers: Sequence[str] | Mapping[str, str], scheduler: str = "rr") -> str:
    """A pool of servers, named a, b, … or as told."""
    named = servers if isinstance(servers, Mapping) else dict(zip("abcdefgh", servers, strict=False))
    lines = [f"server.{server} = {rest}" for server, rest in named.items()]
    return "\n".join([f"\n[pool:{name}]", f"scheduler = {scheduler}", *lines]) + "\n"


def service(name: str, virtual: str, of: str, forward: str = "nat", more: str = "") -> str:
    """A virtual service with the servers of the pool `of`."""
    return f"\n[l4:{name}]\nvirtual = {virtual}\npool = {of}\nforward = {forward}\n{more}\n"


def ini(
    pools: Mapping[str, Sequence[str] | Mapping[str, str]], services: Iterable[Service], keys: str = ""
) -> str:
    """A whole configuration: services v0, v1, …; `keys` go to `[l4]`."""
    parts = [HEAD.format(more=keys), *(pool(name, servers) for name, servers in pools.items())]
    for number, (virtual, of, forward, more) in enumerate(services):
        parts.append(service(f"v{number}", virtual, of, forward, more))
    return "".join(parts)

"""Many flows at once through a `Judged` director, and what the API shows of them afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.packet import Packet

from tests.integration.l4.wire_judge import Judged, Wire, parsed

CLIENT = {4: "10.0.0.2", 6: "fd00:10::2"}
SERVER = {4: "172.16.0.2", 6: "fd00:16::2"}
FAMILIES = (4, 6)
AT_ONCE = 50
"""Packets under way at a time: a socket's buffer holds them all however slow the reader is."""
PATIENCE = 15.0
Service = tuple[str, str, str, str]
"""virtual, pool, forward, more lines."""


def ip(source: str, destination: str, **fields: Any) -> Packet:
    """An IP header of the destination's family."""
    return (IPv6 if ":" in destination else IP)(src=source, dst=destination, **fields)


def through(enters: Wire, leaves: Wire, packets: Iterable[Packet]) -> list[Packet]:
    """Send packets that all are forwarded; what came out, in order."""
    waiting = list(packets)
    came: list[Packet] = []
    while waiting:
        batch, waiting = waiting[:AT_ONCE], waiting[AT_ONCE:]
        enters.put(*batch)
        frames = leaves.frames(PATIENCE, len(batch))
        assert len(frames) == len(batch), f"{len(frames)} of {len(batch)} came out"
        came += [parsed(frame) for frame in frames]
    return came


def inwards(bed: Judged, packets: Iterable[Packet]) -> list[Packet]:
    """From the clients' side to the servers'."""
    return through(bed.client, bed.server, packets)


def outwards(bed: Judged, packets: Iterable[Packet]) -> list[Packet]:
    """From the servers' side to the clients'."""
    return through(bed.server, bed.client, packets)


def place(host: str, port: int) -> str:
    """As the API writes it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def connections(bed: Judged) -> list[Any]:
    """All flows and templates."""
    status, found = bed.api("GET", "connections?limit=1000")
    assert status == 200
    return list(found)


def flows(bed: Judged) -> dict[str, Any]:
    """Flows by client; a test gives every flow a client port of its own."""
    return {one["client"]: one for one in connections(bed) if not one["template"]}


def templates(bed: Judged) -> list[Any]:
    """Persistence templates."""
    return [one for one in connections(bed) if one["template"]]


def servers(bed: Judged, pool: str) -> dict[str, Any]:
    """The servers of a pool by name."""
    return {one["name"]: one for one in bed.api("GET", f"pools/{pool}")[1]["servers"]}


def counts(bed: Judged, pool: str, name: str) -> tuple[int, int, int]:
    """Active, inactive and persistent connections of a server."""
    one = servers(bed, pool)[name]
    return one["active"], one["inactive"], one["persistent"]


def ini(
    pools: Mapping[str, Sequence[str] | Mapping[str, str]], services: Iterable[Service], keys: str = ""
) -> str:
    """A configuration: servers by pool, named a, b, … or as told; services v0, v1, …; `keys` go to `[l4]`."""
    parts = [
        "[director]\nname = rows\nstate_dir = state\nshutdown_grace = 0s",
        f"[l4]\ninterfaces = d0, d1\n{keys}",
    ]
    for name, found in pools.items():
        named = found if isinstance(found, Mapping) else dict(zip("abcdefgh", found, strict=False))
        lines = [f"server.{server} = {rest}" for server, rest in named.items()]
        parts.append("\n".join([f"[pool:{name}]", "scheduler = rr", *lines]))
    for number, (virtual, pool, forward, more) in enumerate(services):
        parts.append(f"[l4:v{number}]\nvirtual = {virtual}\npool = {pool}\nforward = {forward}\n{more}")
    return "\n\n".join(parts) + "\n"

"""Many flows at once through a `Judged` director, and what the API shows of them afterwards."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterable
from typing import Any

from scapy.packet import Packet

from tests.integration.l4.wire_judge import Judged, Wire, parsed

AT_ONCE = 50
"""Packets under way at a time: a socket's buffer holds them all however slow the reader is."""
PATIENCE = 15.0
PORTS: deque[int] = deque()
"""Client ports, each once; every test has its own, the same in every run."""


def give_ports(test: str) -> None:
    """Lay out the ports of a test: schedulers look at them, so what ran before must not move them."""
    PORTS.clear()
    PORTS.extend(range(1100 + zlib.crc32(test.encode()) % 50_000, 65_000))


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
    """Flows by client; of several of one client the newest, which the API has first."""
    return {one["client"]: one for one in reversed(connections(bed)) if not one["template"]}


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

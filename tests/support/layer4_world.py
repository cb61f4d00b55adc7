"""A small world for layer-4 tests: one client, one director, servers; frames made by scapy.

The director has 192.0.2.1 (VIP 192.0.2.80 on it) towards clients on interface 1, and 10.0.0.1 towards
servers on interface 2; the same in 2001:db8:1::/64 and 2001:db8:2::/64.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from attrs import evolve
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

from director.l4.flows import FastPathEntry, Flow
from director.l4.forwarder import Forwarder
from director.l4.io.packet.raw import FRESH
from director.l4.routing import FixedLink, FixedRoute, RoutingTable
from director.l4.states.directions import OUTPUT
from director.l4.verdicts import Batch, Install, Transmit, Verdict
from director.model.pools import Address, Check, Forward, Pool, Server
from director.model.settings import Configuration
from director.model.virtual import L4Service, L4Settings, Virtual
from director.registry.changes import PoolAdded, RestReplaced, ServiceSet
from director.registry.registry import RealServer, Registry

CLIENT_MAC, OUTER_MAC, INNER_MAC = b"\2\0\0\0\0\x0c", b"\2\0\0\0\0\1", b"\2\0\0\0\0\2"
SERVER_MACS = [b"\2\0\0\0\1" + bytes([number]) for number in range(1, 5)]
CLIENT, VIP, OUTER, INNER = "192.0.2.9", "192.0.2.80", "192.0.2.1", "10.0.0.1"
SERVERS = ["10.0.0.11", "10.0.0.12", "10.0.0.13", "10.0.0.14"]
CLIENT6, VIP6, OUTER6, INNER6 = "2001:db8:1::9", "2001:db8:1::80", "2001:db8:1::1", "2001:db8:2::1"
SERVERS6 = [f"2001:db8:2::1{number}" for number in range(1, 5)]
OUTSIDE, INSIDE = 1, 2


def packed(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


class Turns:
    """A scheduler for tests: each eligible server in turn."""

    name = "turns"

    def __init__(self) -> None:
        self.at = -1

    def start(self, service: str, servers: Sequence[Any]) -> None:
        pass

    def server_added(self, server: Any) -> None:
        pass

    server_removed = server_updated = server_added

    def choose(self, servers: Sequence[Any], key: Any, now: float) -> Any:
        self.at += 1
        return servers[self.at % len(servers)]

    def stop(self) -> None:
        pass


def routing() -> RoutingTable:
    table = RoutingTable(links={OUTSIDE: FixedLink(OUTER_MAC), INSIDE: FixedLink(INNER_MAC)})
    for local in (VIP, OUTER, INNER, VIP6, OUTER6, INNER6, "192.0.2.81"):
        table.routes[packed(local)] = FixedRoute(1, packed(local), local=True)
    for network, prefix, ifindex, source in (
        ("192.0.2.0", 24, OUTSIDE, OUTER), ("10.0.0.0", 24, INSIDE, INNER), ("0.0.0.0", 0, OUTSIDE, OUTER),
        ("2001:db8:1::", 64, OUTSIDE, OUTER6), ("2001:db8:2::", 64, INSIDE, INNER6),
    ):  # fmt: skip
        gateway = packed("192.0.2.254") if prefix == 0 else b""
        table.networks.append((packed(network), prefix, FixedRoute(ifindex, packed(source), gateway)))
    for client in (CLIENT, CLIENT6, "192.0.2.254"):
        table.neighbours[OUTSIDE, packed(client)] = CLIENT_MAC
    for number, mac in enumerate(SERVER_MACS):
        table.neighbours[INSIDE, packed(SERVERS[number])] = mac
        table.neighbours[INSIDE, packed(SERVERS6[number])] = mac
    return table


class World:
    """One service `s` on pool `p`, and its forwarder.  `now` is the time of the next packet."""

    def __init__(
        self, forward: Forward = Forward.NAT, *, protocol: str = "tcp", host: str = VIP, port: int = 80,
        servers: int = 1, family: int = 4, settings: L4Settings | None = None,
        server: dict[str, Any] | None = None, pool: dict[str, Any] | None = None, **service: Any,
    ) -> None:  # fmt: skip
        self.now = 1000.0
        self.routing = routing()
        self.registry = Registry(lambda _spec: Turns())
        if family == 6 and host == VIP:
            host = VIP6
        names = SERVERS if family == 4 else SERVERS6
        made = tuple(
            evolve(Server(f"r{number}", Address(names[number], 8080)), **(server or {}))
            for number in range(servers)
        )
        self.pool = Pool("p", made, **(pool or {}))
        virtual = service.pop("virtual", None) or Virtual(protocol, host, port)
        self.service = L4Service("s", virtual, "p", forward, **service)
        checks = Configuration(checks=tuple(Check(name) for name in self.pool.checks))
        self.registry.apply(
            [RestReplaced(checks), PoolAdded(self.pool), ServiceSet(self.service)], "test", self.now, 0.0
        )
        self.forwarder = Forwarder(self.registry, self.routing, Random(1), settings)
        self.synchronise: Callable[[Flow, float], None] | None = None

    def apply(self, *changes: Any) -> None:
        self.registry.apply(changes, "test", self.now, 0.0)
        self.forwarder.follow()

    def real(self, number: int = 0) -> RealServer:
        return self.registry.pools["p"].servers[number]

    def give(self, frame: bytes | bytearray, ifindex: int, offload: bytes = b"") -> Verdict:
        given = bytearray(frame)
        verdict = self.forwarder.receive(given, ifindex, self.now, offload)
        if isinstance(verdict, Install):
            verdict.entry.valid_until = self.now + FRESH
            return verdict.verdict
        if isinstance(verdict, FastPathEntry):
            if self.synchronise is not None and verdict.direction != OUTPUT:
                self.synchronise(verdict.flow, self.now)
            return Transmit(verdict.ifindex, given, offload)
        return verdict

    def client(self, layers: Any, offload: bytes = b"") -> Verdict:
        """A packet from the client's side."""
        return self.give(bytes(Ether(src=CLIENT_MAC, dst=OUTER_MAC) / layers), OUTSIDE, offload)

    def server(self, layers: Any, number: int = 0, offload: bytes = b"") -> Verdict:
        """A packet from a server's side."""
        return self.give(bytes(Ether(src=SERVER_MACS[number], dst=INNER_MAC) / layers), INSIDE, offload)

    def wait(self, seconds: float) -> None:
        """Time passes, with ticks a quarter of a second apart (coarser for long waits)."""
        step = 0.25 if seconds < 60 else 1.0
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + step)
            self.forwarder.tick(self.now)

    @property
    def counters(self) -> Any:
        return self.forwarder.counters

    @property
    def table(self) -> Any:
        return self.forwarder.table


def sent(verdict: Verdict) -> Any:
    """The one frame a verdict sends, dissected by scapy; its checksums are as they came."""
    assert isinstance(verdict, Transmit), verdict
    return Ether(bytes(verdict.frame))


def all_sent(verdict: Verdict) -> list[Any]:
    """Every frame a verdict sends."""
    verdicts = verdict.verdicts if isinstance(verdict, Batch) else (verdict,)
    return [sent(one) for one in verdicts]


def right(frame: Any) -> bool:
    """Every checksum and length that scapy can compute anew is as it stands in the frame."""
    again = frame.copy()
    for layer in again.iterpayloads():
        for name in ("chksum", "len", "plen", "cksum"):
            if name in layer.fields:
                layer.delfieldval(name)
    return bytes(again) == bytes(frame)


def ip(source: str, destination: str, **fields: Any) -> Any:
    """An IP header of the family of the addresses."""
    if ":" in source:
        if "ttl" in fields:
            fields["hlim"] = fields.pop("ttl")
        return IPv6(src=source, dst=destination, **fields)
    return IP(src=source, dst=destination, **fields)

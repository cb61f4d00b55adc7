"""Two hundred thousand hostile packets among many living flows (`make test` runs a part of them).

`python -m tests.conformance.l4.test_mutations COUNT SEED` runs as many as one likes.
"""

from __future__ import annotations

import random
import struct
import sys
from collections import Counter
from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.sctp import (
    SCTP,
    SCTPChunkAbort,
    SCTPChunkCookieAck,
    SCTPChunkCookieEcho,
    SCTPChunkData,
    SCTPChunkInit,
    SCTPChunkInitAck,
    SCTPChunkShutdown,
)
from scapy.packet import Raw

from director.l4.routing import FixedLink
from director.l4.verdicts import Batch, Deliver, Drop, Hold, Transmit, Verdict
from director.model.pools import Address, Forward, Pool, Server, Tunnel
from director.model.virtual import L4Service, L4Settings, Virtual
from director.registry.changes import PoolAdded, ServiceSet
from tests.conformance.l4.mutants import (
    ETHERNET,
    IPV4,
    IPV6,
    NEEDS_CSUM,
    Layers,
    Mutator,
    fault,
    joined,
    signed,
)
from tests.conformance.l4.rows import ROWS
from tests.support.layer4_world import (
    CLIENT,
    CLIENT6,
    CLIENT_MAC,
    INNER,
    INNER6,
    INNER_MAC,
    INSIDE,
    OUTER_MAC,
    OUTSIDE,
    SERVER_MACS,
    SERVERS,
    SERVERS6,
    VIP,
    VIP6,
    World,
    ip,
)

NAT, DR, TUN = Forward.NAT, Forward.DR, Forward.TUN
MTUS = {OUTSIDE: 1500, INSIDE: 1400}
TUNNELS = {
    82: Tunnel(), 83: Tunnel("gre"), 84: Tunnel("gre", 0, "csum"), 85: Tunnel("gue", 6080),
    86: Tunnel("gue", 6080, "csum"), 87: Tunnel("gue", 6080, "remcsum"),
}  # fmt: skip
LIVE = 400
"""Connections that no mutant names: they must work before, while and after."""
LOUD = L4Settings(
    schedule_icmp=1, nat_icmp_send=1, sloppy_tcp=1, sloppy_sctp=1, expire_nodest_conn=1, icmp_rate=10**6
)
SETTINGS = {"plain": L4Settings(), "loud": LOUD}
SIP = b"INVITE sip:a@b SIP/2.0\r\nCall-ID: one@two\r\n\r\n"
FTP_UP = [b"PASV\r\n", b"EPSV\r\n", b"PORT 192,0,2,9,19,137\r\n", b"EPRT |1|192.0.2.9|5001|\r\n"]
FTP_DOWN = [b"227 Entering Passive Mode (10,0,0,11,200,10)\r\n", b"229 ok (|||6446|)\r\n", b"220 hello\r\n"]


def world(settings: L4Settings) -> World:
    """Services of every method and protocol on one address of each family."""
    made = World(port=80, settings=settings)
    for index, mtu in MTUS.items():
        made.routing.links[index] = FixedLink(made.routing.links[index].mac, mtu)
    for family, host, reals in ((4, VIP, SERVERS), (6, VIP6, SERVERS6)):
        services: list[tuple[str, int, Forward, Tunnel, dict[str, Any]]] = [
            ("tcp", 80, NAT, Tunnel(), {}), ("tcp", 81, DR, Tunnel(), {}), ("tcp", 21, NAT, Tunnel(), {}),
            ("udp", 53, NAT, Tunnel(), {}), ("udp", 54, DR, Tunnel(), {}), ("sctp", 2905, NAT, Tunnel(), {}),
            ("udp", 5060, NAT, Tunnel(), {"persistent": 60.0, "engine": "sip"}), ("udp", 55, NAT, Tunnel(), {"ops": True}),
            *((one, port, TUN, tunnel, {}) for port, tunnel in TUNNELS.items() for one in ("tcp", "udp")),
        ]  # fmt: skip
        for protocol, port, forward, tunnel, fields in services:
            name = f"{protocol}{port}v{family}"
            real = {21: 21, 80: 8080}.get(port, 8080)
            # An IPv4 client of port 84 is served behind a tunnel of IPv6, and the other way round.
            other = SERVERS6 if family == 4 else SERVERS
            host_of = other if port == 84 else reals
            servers = tuple(
                Server(f"r{number}", Address(host_of[number], real), tunnel=tunnel) for number in range(2)
            )
            if name == "tcp80v4":
                continue
            made.apply(
                PoolAdded(Pool(name, servers)),
                ServiceSet(L4Service(name, Virtual(protocol, host, port), name, forward, **fields)),
            )
    return made


def seeds() -> list[tuple[int, bytes]]:
    """(interface, packet): the goldens, and both directions of flows of every service."""
    found: list[tuple[int, Any]] = []
    for row in ROWS:
        found += [(OUTSIDE if side == "client" else INSIDE, one) for side, one in (*row.before, row.packet)]
    for client, vip, real in ((CLIENT, VIP, SERVERS[0]), (CLIENT6, VIP6, SERVERS6[0])):
        there, back = ip(client, vip), ip(real, client)
        found += [(OUTSIDE, there / one) for one in asked()]
        found += [(INSIDE, back / one) for one in answered()]
        found += [(INSIDE, one) for one in tunnelled(client, there)]
        found.append((OUTSIDE, there / (ICMP() if client == CLIENT else ICMPv6EchoRequest())))
    return [(side, bytes(layers)) for side, layers in found if isinstance(layers, IP | IPv6)]


def asked() -> list[Any]:
    """What clients send."""
    made: list[Any] = []
    for number, port in enumerate((80, 81, 21, *TUNNELS)):
        for flags in ("S", "A", "PA", "FA", "R"):
            tcp = TCP(sport=2000 + number, dport=port, flags=flags, seq=5, options=[("MSS", 1400)])
            made.append(tcp / Raw(b"x" * (30 if flags == "PA" else 0)))
    options = [("NOP", None), ("NOP", None), ("SAck", (100, 200))]
    made += [TCP(sport=2002, dport=21, flags="PA", options=options) / Raw(text) for text in FTP_UP]
    ports = (53, 54, 55, 5060, *TUNNELS)
    made += [UDP(sport=3000, dport=port) / Raw(SIP if port == 5060 else b"z" * 40) for port in ports]
    chunks: list[Any] = [
        SCTPChunkInit(init_tag=5),
        SCTPChunkCookieEcho(cookie=b"abcd"),
        SCTPChunkData(data=b"x"),
    ]
    chunks += [SCTPChunkAbort(), SCTPChunkShutdown()]
    return made + [SCTP(sport=4000, dport=2905) / chunk for chunk in chunks]


def answered() -> list[Any]:
    """What servers send."""
    made: list[Any] = []
    for number in range(9):
        for flags in ("SA", "A", "PA", "FA"):
            tcp = TCP(sport=21 if number == 2 else 8080, dport=2000 + number, flags=flags)
            made.append(tcp / Raw(b"y" * 50))
    made += [TCP(sport=21, dport=2002, flags="PA") / Raw(text) for text in FTP_DOWN]
    made += [UDP(sport=8080, dport=3000) / Raw(body) for body in (SIP, b"z" * 40)]
    chunks: list[Any] = [SCTPChunkInitAck(init_tag=6), SCTPChunkCookieAck(), SCTPChunkData(data=b"y")]
    return made + [SCTP(sport=8080, dport=4000) / chunk for chunk in chunks]


def tunnelled(client: str, there: Any) -> list[Any]:
    """What our own tunnels send, for errors about it."""
    four = client == CLIENT
    outer = ip(INNER, SERVERS[0]) if four else ip(INNER6, SERVERS6[0])
    made = []
    for number, front in (
        (4 if four else 41, b""), (47, b"\0\0\x08\0"), (17, struct.pack("!HHHHI", 50000, 6080, 60, 0, 0x00040000)),
    ):  # fmt: skip
        around = outer.copy()
        setattr(around, "proto" if four else "nh", number)
        made.append(around / Raw(front + bytes(there / TCP(sport=2003, dport=82))))
    return made


class Campaign:
    """Gives packets to a world and judges what it does with each."""

    def __init__(self, settings: L4Settings, seed: int) -> None:
        self.chance = random.Random(seed)
        self.world = world(settings)
        self.seen: Counter[str] = Counter()
        self.sides = seeds()
        self.mutators = {
            side: Mutator(self.chance, [packet for at, packet in self.sides if at == side])
            for side in (OUTSIDE, INSIDE)
        }
        for number in range(LIVE):
            self.live(number, "S")
            self.live(number)
        for side, packet in self.sides:
            self.give(packet, side)

    def live(self, number: int, flags: str = "A") -> None:
        """One packet of a flow that no mutant names: it must arrive, right."""
        client, vip = (CLIENT, VIP) if number % 2 else (CLIENT6, VIP6)
        packet = ip(client, vip) / TCP(sport=30000 + number, dport=80 + number // 2 % 8, flags=flags)
        verdict = self.give(bytes(packet), OUTSIDE)
        assert isinstance(verdict, Transmit), f"flow {number} is dead: {verdict}"

    def run(self, count: int) -> Counter[str]:
        """`count` mutants; what became of them by the verdict's kind or the drop's reason."""
        for number in range(count):
            side = OUTSIDE if self.chance.random() < 0.65 else INSIDE
            mutants = self.mutators[side].next()
            if len(mutants) == 1 and self.chance.random() < 0.15:
                self.offloaded(mutants[0], side)
            else:
                for packet in mutants:
                    self.give(packet, side)
            if number % 50 == 0:
                self.live(self.chance.randrange(LIVE))
            if number % 200 == 0:
                self.world.now += 0.25
                self.world.forwarder.tick(self.world.now)
        for number in range(LIVE):
            self.live(number)
        return self.seen

    def offloaded(self, packet: bytes, side: int) -> None:
        """With a virtio header: one that fits, or one that lies."""
        layers = Layers(packet)
        place = {6: 16, 17: 6}.get(layers.protocol) if not layers.wrong else None
        if place is None or layers.fragment or self.chance.random() < 0.4:
            junk = struct.pack(
                "=BBHHHH", *(self.chance.choice((0, 1, 2, 3, 4, 5, 0x81, 255)) for _ in range(6))
            )
            self.give(
                packet,
                side,
                self.chance.choice([junk, self.chance.randbytes(10), junk[:3], junk + junk]),
                honest=False,
            )
            return
        kind, size = 0, 0
        if self.chance.random() < 0.5:
            packet += self.chance.randbytes(self.chance.choice([2000, 5000, 20000]))
            kind, size = (
                (1 if packet[0] >> 4 == 4 else 4) if layers.protocol == 6 else 5,
                self.chance.choice([500, 1200]),
            )
        packet = signed(packet, partial=True)
        layers = Layers(packet)
        head = ETHERNET + layers.l4
        self.give(packet, side, struct.pack("=BBHHHH", NEEDS_CSUM, kind, head + 20, size, head, place))

    def give(self, packet: bytes, side: int, offload: bytes = b"", *, honest: bool = True) -> Verdict:
        macs = OUTER_MAC + CLIENT_MAC if side == OUTSIDE else INNER_MAC + SERVER_MACS[0]
        kind = IPV6 if packet[:1] and packet[0] >> 4 == 6 else IPV4
        # A piece may complete a datagram of others: what comes out then is judged without its layer 4.
        right = (
            honest and not fault(packet, partial=bool(offload), exact=False) and not Layers(packet).fragment
        )
        before = self.world.counters.copy()
        verdict = self.world.give(macs + kind + packet, side, offload)
        what = f"packet {packet.hex()} offload {offload.hex()} side {side}: {verdict}"
        if isinstance(verdict, Drop):
            assert self.world.counters[verdict.reason] == before[verdict.reason] + 1, what
            self.seen[verdict.reason] += 1
        else:
            self.seen[type(verdict).__name__] += 1
        wrong = self.fault(verdict, right=right)
        assert not wrong, f"{wrong}: {what}"
        return verdict

    def fault(self, verdict: Verdict, *, right: bool) -> str:
        """What is wrong with what a verdict sends; of layer 4 only when what came was `right`."""
        if isinstance(verdict, Deliver):
            given = verdict.pieces or ((verdict.whole,) if verdict.whole is not None else ())
            return next(filter(None, (Layers(bytes(one[ETHERNET:])).wrong for one in given)), "")
        singles = verdict.verdicts if isinstance(verdict, Batch) else (verdict,)
        frames = [one for one in singles if isinstance(one, Transmit | Hold)]
        packets = [bytes(one.frame[ETHERNET:]) for one in frames]
        for one, packet in zip(frames, packets, strict=True):
            gso = len(one.offload) >= 2 and one.offload[1] & 0x7F
            if len(packet) > MTUS[one.ifindex] and not gso:
                return f"{len(packet)} bytes"
            wrong = Layers(packet).wrong or (
                fault(packet, partial=bool(one.offload and one.offload[0] & NEEDS_CSUM)) if right else ""
            )
            if wrong:
                return wrong
        whole = joined(packets) if len(packets) > 1 else None
        return fault(whole) if whole and right else ""


@pytest.mark.parametrize("kind", SETTINGS)
def test_hostile_packets(kind: str) -> None:
    campaign = Campaign(SETTINGS[kind], 7)
    seen = campaign.run(4000)
    assert seen["Transmit"] > 200
    assert len(seen) > 20
    campaign.world.forwarder.close()
    for server in campaign.world.registry.servers():
        assert (server.active, server.inactive, server.persistent) == (0, 0, 0)


if __name__ == "__main__":
    for chosen in SETTINGS.values():
        sys.stdout.write(f"{Campaign(chosen, int(sys.argv[2])).run(int(sys.argv[1]))}\n")

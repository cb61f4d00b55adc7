"""V36 to V46: every method's packets on the wire, byte for byte (`lvs-semantics` E, C.5).

The servers' link takes 1400 bytes.  What must come out is built by scapy.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6PacketTooBig,
    ICMPv6TimeExceeded,
    IPv6,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    RouterAlert,
    fragment6,
)
from scapy.packet import Packet, Raw

from tests.conformance.l4.mutants import Mutator, fault, joined
from tests.integration.l4.bed import wait_for
from tests.integration.l4.flows import PORTS
from tests.integration.l4.packets import CLIENT, Offloading, of, sound, to, ttl
from tests.integration.l4.texts import HEAD, pool, service
from tests.integration.l4.wire_judge import PATIENCE, Judged, directed, parsed, rebuilt, right

MTU = 1400
ROUTER, ROUTER6 = "172.16.0.9", "fd00:16::9"
OWN, OWN6 = "172.16.0.1", "fd00:16::1"
"""The director's own addresses towards the servers."""
S4, S6 = "172.16.0.2", "fd00:16::2"
WAYS: dict[str, tuple[str, str, str, int]] = {
    "nat": ("198.51.100.10", f"{S4}:8080", "nat", 0),
    "dr": ("198.51.100.11", f"{S4}:80", "dr", 0),
    "ipip": ("198.51.100.12", "172.16.0.3:80 tunnel=ipip", "tun", 20),
    "gre": ("198.51.100.13", "172.16.0.4:80 tunnel=gre", "tun", 24),
    "gre-csum": ("198.51.100.14", "172.16.0.5:80 tunnel=gre,csum", "tun", 28),
    "gue": ("198.51.100.15", "172.16.0.6:80 tunnel=gue:6080", "tun", 32),
    "gue-csum": ("198.51.100.16", "172.16.0.7:80 tunnel=gue:6080,csum", "tun", 32),
    "gue-remcsum": ("198.51.100.17", "172.16.0.8:80 tunnel=gue:6081,remcsum", "tun", 32),
    "4 in 6": ("198.51.100.18", "[fd00:16::8]:80 tunnel=ipip", "tun", 40),
    "nat6": ("2001:db8:100::10", f"[{S6}]:8080", "nat", 0),
    "dr6": ("2001:db8:100::11", f"[{S6}]:80", "dr", 0),
    "6 in 6": ("2001:db8:100::12", "[fd00:16::3]:80 tunnel=ipip", "tun", 40),
    "gre6": ("2001:db8:100::13", "[fd00:16::4]:80 tunnel=gre", "tun", 44),
    "gre6-csum": ("2001:db8:100::14", "[fd00:16::5]:80 tunnel=gre,csum", "tun", 48),
    "gue6": ("2001:db8:100::15", "[fd00:16::6]:80 tunnel=gue:6080", "tun", 52),
    "gue6-csum": ("2001:db8:100::16", "[fd00:16::7]:80 tunnel=gue:6080,csum", "tun", 52),
    "6 in 4": ("2001:db8:100::18", "172.16.0.3:80 tunnel=ipip", "tun", 20),
}  # fmt: skip
"""Virtual address, server, method, what the tunnel takes of the MTU (`lvs-semantics` E)."""
EVERY = pytest.mark.parametrize("way", WAYS)
TUNNELS = [way for way, (_vip, _server, forward, _extra) in WAYS.items() if forward == "tun"]
FTP, EMPTY = "198.51.100.30", "198.51.100.31"


def configuration(more: str = "") -> str:
    text = HEAD.format(more=more)
    for number, (vip, server, forward, _extra) in enumerate(WAYS.values()):
        host = f"[{vip}]" if ":" in vip else vip
        text += pool(f"p{number}", [server])
        text += service(f"t{number}", f"tcp {host}:80", f"p{number}", forward)
        text += service(f"u{number}", f"udp {host}:53", f"p{number}", forward)
    text += pool("none", [f"{S4}:21 weight=0"])
    text += service("ftp", f"tcp {FTP}:21", "none", "dr", "persistent = 60s")
    text += service("empty", f"tcp {EMPTY}:80", "none") + service(
        "empty6", "udp [2001:db8:100::31]:80", "none6"
    )
    text += pool("none6", [f"[{S6}]:80 weight=0"])
    return text + pool("sc", [f"{S4}:2905"]) + service("sctp", "sctp 198.51.100.32:2905", "sc")


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    with directed(tmp_path_factory.mktemp("rows"), configuration()) as made:
        made.net.run(made.here, "ip", "link", "set", "d1", "mtu", str(MTU))
        wait_for(partial(narrowed, made))
        yield made


def narrowed(bed: Judged) -> bool:
    """The director knows what the servers' link takes: it tells a client that sends more."""
    large = to(WAYS["dr"][0], bits="DF") / UDP(sport=1000, dport=53) / Raw(bytes(MTU))
    bed.client.put(large)
    return any(parsed(frame)[ICMP].nexthopmtu == MTU for frame in bed.client.frames(0.2, 1))


def tcp(way: str, sport: int, flags: str = "S", data: bytes = b"", **fields: Any) -> Packet:
    return to(WAYS[way][0], **fields) / TCP(sport=sport, dport=80, flags=flags, seq=7, ack=2) / Raw(data)


def opened(bed: Judged, way: str) -> int:
    """A connection on which two packets went through, so that the next one takes the quickest way."""
    sport = PORTS.popleft()
    for flags in ("S", "A"):
        bed.client.put(tcp(way, sport, flags))
        bed.server.get()
    return sport


def unwrapped(way: str, packet: Packet) -> Packet:
    """The client's packet in what the server got; the outer headers are as E says."""
    vip, server, forward, extra = WAYS[way]
    raw = bytes(packet)
    assert not fault(raw), fault(raw)
    if forward != "tun":
        return packet
    six = extra >= 40
    assert (packet.src, packet.dst) == (OWN6 if six else OWN, server.split("]")[0].strip("[").split(":80")[0])
    protocol = {"i": 41 if ":" in vip else 4, "6": 41, "4": 4, "g": 47 if "gre" in way else 17}[way[0]]
    assert (packet.nh if six else packet.proto) == protocol
    head = 40 if six else 20
    inside = {"gre": 4, "gre-": 8, "gue": 12, "gue-": 12}.get(way[:4].replace("6", ""), 0)
    if "gre" in way:
        inside = 8 if "csum" in way else 4
    if "gue" in way:
        assert raw[head + 2 : head + 4] in {(6080).to_bytes(2, "big"), (6081).to_bytes(2, "big")}
        assert (raw[head + 6 : head + 8] == b"\0\0") is ("csum" not in way)
        assert raw[head + 8 : head + 12] == bytes((0, 41 if ":" in vip else 4, 0, 0))
    assert head + inside == extra
    inner = of(raw[extra:])
    assert ttl(inner) == ttl(packet)
    return inner


# --- what a packet looks like (V36 to V39) --------------------------------------------------------


@EVERY
@pytest.mark.parametrize("tos", [0, 1, 2, 3, 0xB8 | 2])
def test_a_packet_of_every_method(bed: Judged, way: str, tos: int) -> None:
    """V36 V37 V38 V39: TTL-1, TOS copied, CE is ECT(0) outside; nothing else changes but by NAT."""
    vip, _server, forward, _extra = WAYS[way]
    sport = opened(bed, way)
    for data, flags in ((b"", "PA"), (b"odd", "A"), (bytes(range(256)) * 4, "FA")):
        sent = tcp(way, sport, flags, data, tos=tos, ttl=9, id=77)
        bed.client.put(sent)
        got = bed.server.ip()
        inner = unwrapped(way, got)
        if forward == "nat":
            sent.dst, sent[TCP].dport = (S6 if ":" in vip else S4), 8080
        if isinstance(sent, IP):
            sent.ttl = 8
        else:
            sent.hlim = 8
        assert bytes(inner) == rebuilt(sent)
        if forward == "tun":
            outer = got.tos if isinstance(got, IP) else got.tc
            assert outer == (tos & 0xFC | 2 if tos & 3 == 3 else tos)


@pytest.mark.parametrize("way", ["ipip", "gre", "gue"])
def test_df_of_a_tunnel(bed: Judged, way: str) -> None:
    """V38 V39: DF is copied with pmtu_disc = 1, and a fresh identification is given."""
    sport = opened(bed, way)
    seen = set()
    for flags in ("DF", "", "DF"):
        bed.client.put(tcp(way, sport, "A", b"x", bits=flags, id=77))
        got = bed.server.ip()
        assert ("DF" in got.flags) is bool(flags)
        seen.add(got.id)
    assert len(seen) == 3


def test_nat_answers_of_both_families(bed: Judged) -> None:
    """V36: source address and port become the virtual ones, TTL-1, UDP without checksum gets one."""
    for way, server in (("nat", S4), ("nat6", S6)):
        vip = WAYS[way][0]
        sport = opened(bed, way)
        for data in (b"", b"odd", b"x" * 1300):
            answer = of(bytes(to(CLIENT[6] if ":" in vip else CLIENT[4], src=server, ttl=9) / TCP(
                sport=8080, dport=sport, flags="PA") / Raw(data)))  # fmt: skip
            bed.server.put(answer)
            answer.src, answer[TCP].sport = vip, 80
            if isinstance(answer, IP):
                answer.ttl = 8
            else:
                answer.hlim = 8
            assert bytes(bed.client.ip()) == rebuilt(answer)
    ask = IP(src=CLIENT[4], dst=WAYS["nat"][0]) / UDP(sport=PORTS.popleft(), dport=53, chksum=0) / b"odd"
    bed.client.put(ask)
    got = bed.server.ip()
    assert got[UDP].chksum
    assert right(got)


# --- TTL (V42) ------------------------------------------------------------------------------------


@EVERY
def test_ttl_1_of_every_method(bed: Judged, way: str) -> None:
    """V42: time exceeded from the address asked, quoting the packet as it came; first packet or later."""
    vip = WAYS[way][0]
    six = ":" in vip
    running = opened(bed, way)
    for sport, flags in ((PORTS.popleft(), "S"), (running, "A")):
        for hops in (1, 0):
            sent = bytes(tcp(way, sport, flags, b"data", ttl=hops))
            bed.client.put(sent)
            error = bed.client.ip()
            assert sound(error)
            assert (error.src, error.dst) == (vip, CLIENT[6] if six else CLIENT[4])
            said = error[ICMPv6TimeExceeded] if six else error[ICMP]
            assert (said.type, said.code) == ((3, 0) if six else (11, 0))
            assert sent == bytes(said.payload)
            assert not bed.server.frames(0.01)
    bed.client.put(tcp(way, running, "A", ttl=2))
    assert ttl(bed.server.ip()) == 1


# --- MTU and DF (V43) -------------------------------------------------------------------------------


def sized(way: str, sport: int, size: int, bits: str = "DF") -> Packet:
    """An IP packet of `size` bytes of a running connection."""
    return tcp(way, sport, "A", b"d" * (size - (60 if ":" in WAYS[way][0] else 40)), bits=bits)


def too_large(bed: Judged, way: str, sent: bytes, mtu: int) -> None:
    """The client, and nobody else, is told `mtu`; the error fits into the least MTU (RFC 1812, RFC 4443)."""
    six = ":" in WAYS[way][0]
    error = bed.client.ip()
    assert sound(error)
    assert error.src == WAYS[way][0]
    said = error[ICMPv6PacketTooBig] if six else error[ICMP]
    assert (said.type, said.code, said.mtu if six else said.nexthopmtu) == (
        (2, 0, mtu) if six else (3, 4, mtu)
    )
    assert sent.startswith(bytes(said.payload))
    assert len(bytes(error)) == (1280 if six else 576)
    assert not bed.server.frames(0.01)


@EVERY
def test_the_mtu_of_every_method(bed: Judged, way: str) -> None:
    """V43: with DF (and in IPv6) the largest passes whole, a byte more is refused with the method's MTU."""
    mtu = MTU - WAYS[way][3]
    sport = opened(bed, way)
    bed.client.put(sized(way, sport, mtu))
    got = bed.server.ip()
    assert len(got) == MTU
    assert len(unwrapped(way, got)) == mtu
    large = bytes(sized(way, sport, mtu + 1))
    bed.client.put(large)
    too_large(bed, way, large, mtu)


@pytest.mark.parametrize("way", [way for way, (vip, *_rest) in WAYS.items() if ":" not in vip])
def test_without_df_it_arrives(bed: Judged, way: str) -> None:
    """V43: in fragments of at most the link's MTU, which put together are the packet."""
    sport = opened(bed, way)
    sent = sized(way, sport, 1500, "")
    bed.client.put(sent)
    pieces = [bytes(parsed(frame)) for frame in bed.server.frames(PATIENCE, 2)]
    assert [len(piece) <= MTU for piece in pieces] == [True, True]
    whole = joined(pieces)
    assert whole is not None
    inner = unwrapped(way, of(whole))
    assert bytes(inner[TCP].payload) == bytes(sent[TCP].payload)
    assert not bed.client.frames(0.01)


@pytest.fixture
def offloading(bed: Judged) -> Iterator[tuple[Offloading, Offloading]]:
    """Both ends with offloads."""
    left, right_end = bed.net.name("c"), bed.net.name("s")
    ends = Offloading(bed.client, left, "c0"), Offloading(bed.server, right_end, "s0")
    yield ends
    for end in ends:
        end.close()


@EVERY
def test_super_frames_of_every_method(
    bed: Judged, way: str, offloading: tuple[Offloading, Offloading]
) -> None:
    """V36 to V39 and V43 with offloads: every byte arrives once, in segments whose checksums are right.

    NAT and DR pass the super-frame whole; a tunnel sends segments; too large segments are refused.
    """
    client, server = offloading
    vip, _server, forward, extra = WAYS[way]
    remote = 8 if way == "gue-remcsum" else 0
    fits = MTU - extra - remote - (60 if ":" in vip else 40)
    sport = opened(bed, way)
    bed.drain_wires()
    server.frames(0.01)
    data = bytes(range(256)) * 30
    client.put(tcp(way, sport, "A", data, bits="DF"), fits)
    found = server.frames(PATIENCE, 1 if forward != "tun" else -(-len(data) // fits))
    assert not server.frames()
    got = b""
    for header, raw in found:
        if forward != "tun":
            assert not fault(raw, partial=bool(header[0] & 1))
            got += bytes(of(raw)[TCP].payload)
            continue
        assert len(raw) <= MTU
        assert not fault(raw), fault(raw)
        if remote:
            assert raw[28:36] == bytes((2, 4)) + b"\0\1\x80\0\0\0"
            assert raw[36:40] == (20).to_bytes(2, "big") + (36).to_bytes(2, "big")
        got += bytes(of(raw[extra + remote :])[TCP].payload)
    assert got == data
    bed.drain_wires()
    large = tcp(way, sport, "A", data, bits="DF")
    client.put(large, fits + 1)
    error = bed.client.ip()
    six = ":" in vip
    told = error[ICMPv6PacketTooBig].mtu if six else error[ICMP].nexthopmtu
    assert told == MTU - extra - remote


# --- the path MTU of tunnels (V38, D.6) -----------------------------------------------------------


@pytest.mark.parametrize("way", [way for way in TUNNELS if way != "6 in 4"])
def test_a_router_speaks_about_the_tunnel(bed: Judged, way: str) -> None:
    """V38 V43, D.6: frag-needed about the outer packet becomes one about the inner, and is remembered."""
    vip, _server, _forward, extra = WAYS[way]
    six = extra >= 40
    sport = opened(bed, way)
    bed.client.put(sized(way, sport, 1300 if ":" in vip else 1340))
    outer = bytes(bed.server.ip())
    mtu = 1380 if six else 1360
    error = (
        IPv6(src=ROUTER6, dst=OWN6) / ICMPv6PacketTooBig(mtu=mtu) / outer[:1232]
        if six
        else IP(src=ROUTER, dst=OWN) / ICMP(type=3, code=4, nexthopmtu=mtu) / outer[:548]
    )
    bed.server.put(error)
    said = bed.client.ip()
    assert sound(said)
    assert said.dst == (CLIENT[6] if ":" in vip else CLIENT[4])
    fits = mtu - extra
    assert (said[ICMPv6PacketTooBig].mtu if ":" in vip else said[ICMP].nexthopmtu) == fits
    quote = bytes((said[ICMPv6PacketTooBig] if ":" in vip else said[ICMP]).payload)
    assert outer[extra:].startswith(quote)
    assert len(quote) >= 28
    bed.client.put(sized(way, sport, fits))
    assert len(unwrapped(way, bed.server.ip())) == fits
    large = bytes(sized(way, sport, fits + 1))
    bed.client.put(large)
    too_large(bed, way, large, fits)


def test_other_errors_about_a_tunnel_reach_the_client(bed: Judged) -> None:
    """D.6: the same error about the inner packet; without DF nobody is told of a small MTU."""
    sport = opened(bed, "ipip")
    bed.client.put(tcp("ipip", sport, "A", b"x"))
    outer = bytes(bed.server.ip())
    for kind, code in ((3, 1), (3, 3), (11, 0)):
        bed.server.put(IP(src=ROUTER, dst=OWN) / ICMP(type=kind, code=code) / outer[:60])
        error = bed.client.ip()
        assert (error[ICMP].type, error[ICMP].code, error.dst, sound(error)) == (kind, code, CLIENT[4], True)
        assert bytes(error[ICMP].payload) == outer[20:60]
    bed.server.put(IP(src=ROUTER, dst=OWN) / ICMP(type=3, code=4, nexthopmtu=1300) / outer[:60])
    assert not bed.client.frames(0.05)
    bed.client.put(tcp("ipip", sport, "A", b"y"))
    bed.server.get()
    sport = opened(bed, "6 in 6")
    bed.client.put(tcp("6 in 6", sport, "A", b"x"))
    outer = bytes(bed.server.ip())
    bed.server.put(IPv6(src=ROUTER6, dst=OWN6) / ICMPv6DestUnreach(code=3) / outer)
    error = bed.client.ip()
    assert (error[ICMPv6DestUnreach].code, error.dst, sound(error)) == (3, CLIENT[6], True)


# --- what the director leaves alone (V44, V45, V46) -------------------------------------------------


def test_the_leave_rule(bed: Judged) -> None:
    """V44: port unreachable for both families; a high port of an FTP service is the host's to answer."""
    bed.client.put(IP(src=CLIENT[4], dst=EMPTY) / TCP(sport=PORTS.popleft(), dport=80, flags="S"))
    error = bed.client.ip()
    assert (error.src, error[ICMP].type, error[ICMP].code, sound(error)) == (EMPTY, 3, 3, True)
    bed.client.put(IPv6(src=CLIENT[6], dst="2001:db8:100::31") / UDP(sport=PORTS.popleft(), dport=80) / b"x")
    error = bed.client.ip()
    assert (error.src, error[ICMPv6DestUnreach].code, sound(error)) == ("2001:db8:100::31", 4, True)
    bed.client.put(IP(src=CLIENT[4], dst=FTP) / TCP(sport=PORTS.popleft(), dport=21, flags="S"))
    assert bed.client.ip()[ICMP].code == 3
    bed.client.put(IP(src=CLIENT[4], dst=FTP) / TCP(sport=PORTS.popleft(), dport=30000, flags="S"))
    assert str(bed.client.ip()[TCP].flags) == "RA"
    assert not bed.server.frames(0.01)


def test_sloppy_and_strict(bed: Judged) -> None:
    """V45 V46: without sloppy_tcp an ACK without connection is the host's, which resets it."""
    bed.client.put(tcp("nat", PORTS.popleft(), "A"))
    assert str(bed.client.ip()[TCP].flags) == "R"
    assert not bed.server.frames(0.01)


def test_mutants_do_not_stop_it(bed: Judged) -> None:
    """V45: hostile packets of every kind by both wires, among them what the services here carry."""
    chance = random.Random(9)
    seeds = []
    for way in WAYS:
        sport = opened(bed, way)
        seeds += [bytes(tcp(way, sport, flags, b"data")) for flags in ("S", "A", "FA", "R")]
        seeds.append(bytes(to(WAYS[way][0]) / UDP(sport=sport, dport=53) / b"data"))
    back = [bytes(IP(src=S4, dst=CLIENT[4]) / TCP(sport=8080, dport=2000, flags="A"))]
    back.append(bytes(IP(src=OWN, dst="172.16.0.3", proto=4) / Raw(seeds[0])))
    back.append(bytes(IPv6(src=S6, dst=CLIENT[6]) / TCP(sport=8080, dport=2000, flags="A")))
    for wire, mutator in ((bed.client, Mutator(chance, seeds)), (bed.server, Mutator(chance, back))):
        for _ in range(1200):
            for packet in mutator.next():
                if 0 < len(packet) <= 1400:
                    wire.put(packet)
    bed.drain_wires()
    for way in WAYS:
        assert opened(bed, way)
    counters = bed.api("GET", "layer4")[1]["counters"]
    assert sum(counters.values()) > 200
    assert len(counters) > 15
    assert bed.readyz()[0] == 200


# --- IPv6 datagrams in pieces (V35, D.7) --------------------------------------------------------------


def pieces(
    source: str, target: str, sport: int, dport: int, ident: int, *, option: bool = False
) -> list[Packet]:
    head = IPv6(src=source, dst=target)
    if option:
        head /= IPv6ExtHdrHopByHop(options=[RouterAlert()])
    whole = head / IPv6ExtHdrFragment(id=ident) / UDP(sport=sport, dport=dport) / Raw(bytes(range(250)) * 10)
    return [IPv6(bytes(one)) for one in fragment6(whole, 1280)]


def test_fragmented_ipv6_that_is_nobodys_goes_on(bed: Judged) -> None:
    """V45: a server's large datagram to somebody who is no client of the service, and two at once."""
    for option in (False, True):
        first = pieces(S6, CLIENT[6], 8080, PORTS.popleft(), 70000, option=option)
        second = pieces(S6, CLIENT[6], 8080, PORTS.popleft(), 70001, option=option)
        for one, other in zip(first, second, strict=True):
            bed.server.put(one, other)
        came = [bytes(parsed(frame)) for frame in bed.client.frames(PATIENCE, len(first) * 2)]
        for sent in (first, second):
            for one in sent:
                one.hlim -= 1
        assert sorted(came) == sorted(bytes(one) for one in (*first, *second))


def test_fragmented_ipv6_through_nat_and_dr(bed: Judged) -> None:
    """V35 V36 V37: identification and hop-by-hop options stay, two datagrams at once are not mixed."""
    for way in ("nat6", "dr6"):
        vip, _server, forward, _extra = WAYS[way]
        first = pieces(CLIENT[6], vip, PORTS.popleft(), 53, 80000, option=True)
        second = pieces(CLIENT[6], vip, PORTS.popleft(), 53, 80001)
        for one, other in zip(first, second, strict=True):
            bed.client.put(one, other)
        came = [bytes(parsed(frame)) for frame in bed.server.frames(PATIENCE, len(first) * 2)]
        for sent, ident in ((first, 80000), (second, 80001)):
            mine = [raw for raw in came if ident.to_bytes(4, "big") in raw[:60]]
            whole = joined(mine)
            assert whole is not None
            assert not fault(whole)
            assert whole.endswith(bytes(range(250)) * 10)
            assert bool(IPv6(mine[0]).haslayer(IPv6ExtHdrHopByHop)) is (ident == 80000)
            assert IPv6(mine[0]).dst == (S6 if forward == "nat" else sent[0].dst)

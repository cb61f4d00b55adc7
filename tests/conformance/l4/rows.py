"""Packet fixtures as data: description, world, what came before, packet in, verdict, packet out.

Expected packets are written by hand from `lvs-semantics` E and the RFCs and get their checksums from
scapy; nothing here comes from the director's own output.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from attrs import frozen
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6PacketTooBig,
    ICMPv6TimeExceeded,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrHopByHop,
)
from scapy.layers.l2 import GRE
from scapy.layers.sctp import SCTP, SCTPChunkData, SCTPChunkInit
from scapy.packet import Raw

from director.model.pools import Address, Forward, Tunnel
from director.model.virtual import L4Settings, Mark, Virtual
from tests.support.layer4_world import CLIENT, CLIENT6, INNER, INNER6, SERVERS, SERVERS6, VIP, VIP6

S, S6 = SERVERS[0], SERVERS6[0]
C, C6, V, V6 = CLIENT, CLIENT6, VIP, VIP6
ROUTER = "192.0.2.254"
TO_SERVER, TO_CLIENT = "to server", "to client"
"""Which way a packet leaves: interface and MAC addresses."""


@frozen
class Sent:
    """The packet leaves `way`, exactly so; `free` names outer fields that may hold anything."""

    way: str
    layers: Any
    free: tuple[str, ...] = ()


@frozen
class Row:
    """One case.  `before` and `packet` are (side, layers) with side `client` or `server`."""

    description: str
    world: dict[str, Any]
    before: list[tuple[str, Any]]
    packet: tuple[str, Any]
    expected: Any


NAT, DR, TUN, LOCAL = ({"forward": one} for one in (Forward.NAT, Forward.DR, Forward.TUN, Forward.LOCAL))
SIX = {"family": 6}
U = {"protocol": "udp"}
SCTP_ = {"protocol": "sctp"}


def syn(**fields: Any) -> Any:
    return TCP(sport=1000, dport=80, flags="S", **fields)


def syn4(**fields: Any) -> Any:
    return IP(src=C, dst=V, **fields) / syn()


def syn6(**fields: Any) -> Any:
    return IPv6(src=C6, dst=V6, **fields) / syn()


OPEN4 = [("client", syn4()), ("client", IP(src=C, dst=V) / TCP(sport=1000, dport=80, flags="A"))]
OPEN6 = [("client", syn6())]
OPEN_UDP = [("client", IP(src=C, dst=V) / UDP(sport=1000, dport=80) / Raw(b"x"))]
OPEN_UDP6 = [("client", IPv6(src=C6, dst=V6) / UDP(sport=1000, dport=80) / Raw(b"x"))]
OPTIONS = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1, 2)), ("NOP", None), ("WScale", 7)]
RECORD = b"\x07\x07\x04\0\0\0\0\0"


def tunnel(kind: str, port: int = 0, checksum: str = "none") -> dict[str, Any]:
    return {"forward": Forward.TUN, "server": {"tunnel": Tunnel(kind, port, checksum)}}


def big(size: int, **fields: Any) -> Any:
    return IP(src=C, dst=V, **fields) / UDP(sport=1000, dport=80) / Raw(b"y" * (size - 28))


def big6(size: int) -> Any:
    return IPv6(src=C6, dst=V6) / UDP(sport=1000, dport=80) / Raw(b"y" * (size - 48))


def quote(layers: Any, size: int = 548) -> Any:
    return Raw(bytes(layers)[:size])


ROWS = [
    # -- NAT (V36) --
    Row(
        "nat tcp in",
        NAT,
        [],
        ("client", syn4(ttl=64)),
        Sent(TO_SERVER, IP(src=C, dst=S, ttl=63) / TCP(sport=1000, dport=8080, flags="S")),
    ),
    Row(
        "nat tcp options, urgent, window, tos, id, df stay",
        NAT,
        [],
        (
            "client",
            IP(src=C, dst=V, ttl=64, tos=0xB9, id=0xFFFF, flags="DF")
            / TCP(sport=1000, dport=80, flags="SECU", window=4321, urgptr=7, options=OPTIONS),
        ),
        Sent(
            TO_SERVER,
            IP(src=C, dst=S, ttl=63, tos=0xB9, id=0xFFFF, flags="DF")
            / TCP(sport=1000, dport=8080, flags="SECU", window=4321, urgptr=7, options=OPTIONS),
        ),
    ),
    Row(
        "nat ip options are kept",
        NAT,
        [],
        ("client", IP(src=C, dst=V, options=RECORD) / syn()),
        Sent(TO_SERVER, IP(src=C, dst=S, ttl=63, options=RECORD) / TCP(sport=1000, dport=8080, flags="S")),
    ),
    Row(
        "nat tcp out",
        NAT,
        OPEN4,
        ("server", IP(src=S, dst=C, ttl=64) / TCP(sport=8080, dport=1000, flags="SA")),
        Sent(TO_CLIENT, IP(src=V, dst=C, ttl=63) / TCP(sport=80, dport=1000, flags="SA")),
    ),
    Row(
        "nat tcp data of odd length",
        NAT,
        OPEN4,
        ("client", IP(src=C, dst=V) / TCP(sport=1000, dport=80, flags="PA", seq=9) / Raw(b"odd")),
        Sent(
            TO_SERVER, IP(src=C, dst=S, ttl=63) / TCP(sport=1000, dport=8080, flags="PA", seq=9) / Raw(b"odd")
        ),
    ),
    Row(
        "nat udp in",
        {**NAT, **U},
        [],
        ("client", IP(src=C, dst=V) / UDP(sport=1000, dport=80) / Raw(b"hello")),
        Sent(TO_SERVER, IP(src=C, dst=S, ttl=63) / UDP(sport=1000, dport=8080) / Raw(b"hello")),
    ),
    Row(
        "nat udp without checksum gets one",
        {**NAT, **U},
        [],
        ("client", IP(src=C, dst=V) / UDP(sport=1000, dport=80, chksum=0) / Raw(b"hello")),
        Sent(TO_SERVER, IP(src=C, dst=S, ttl=63) / UDP(sport=1000, dport=8080) / Raw(b"hello")),
    ),
    Row(
        "nat udp without checksum on an open flow",
        {**NAT, **U},
        OPEN_UDP,
        ("client", IP(src=C, dst=V) / UDP(sport=1000, dport=80, chksum=0) / Raw(b"hello")),
        Sent(TO_SERVER, IP(src=C, dst=S, ttl=63) / UDP(sport=1000, dport=8080) / Raw(b"hello")),
    ),
    Row(
        "nat udp out",
        {**NAT, **U},
        OPEN_UDP,
        ("server", IP(src=S, dst=C) / UDP(sport=8080, dport=1000) / Raw(b"answer")),
        Sent(TO_CLIENT, IP(src=V, dst=C, ttl=63) / UDP(sport=80, dport=1000) / Raw(b"answer")),
    ),
    Row(
        "nat sctp in: crc32c anew",
        {**NAT, **SCTP_},
        [],
        ("client", IP(src=C, dst=V) / SCTP(sport=1000, dport=80, tag=5) / SCTPChunkInit()),
        Sent(TO_SERVER, IP(src=C, dst=S, ttl=63) / SCTP(sport=1000, dport=8080, tag=5) / SCTPChunkInit()),
    ),
    Row(
        "nat sctp out",
        {**NAT, **SCTP_},
        [("client", IP(src=C, dst=V) / SCTP(sport=1000, dport=80) / SCTPChunkInit())],
        ("server", IP(src=S, dst=C) / SCTP(sport=8080, dport=1000, tag=6) / SCTPChunkData(data=b"12345")),
        Sent(
            TO_CLIENT,
            IP(src=V, dst=C, ttl=63) / SCTP(sport=80, dport=1000, tag=6) / SCTPChunkData(data=b"12345"),
        ),
    ),
    Row(
        "nat6 tcp in",
        {**NAT, **SIX},
        [],
        ("client", syn6()),
        Sent(TO_SERVER, IPv6(src=C6, dst=S6, hlim=63) / TCP(sport=1000, dport=8080, flags="S")),
    ),
    Row(
        "nat6 class and label stay",
        {**NAT, **SIX},
        OPEN6,
        ("client", IPv6(src=C6, dst=V6, tc=0x2E, fl=0xABCDE) / TCP(sport=1000, dport=80, flags="A")),
        Sent(
            TO_SERVER,
            IPv6(src=C6, dst=S6, hlim=63, tc=0x2E, fl=0xABCDE) / TCP(sport=1000, dport=8080, flags="A"),
        ),
    ),
    Row(
        "nat6 extension headers are skipped",
        {**NAT, **SIX},
        [],
        ("client", IPv6(src=C6, dst=V6) / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / syn()),
        Sent(
            TO_SERVER,
            IPv6(src=C6, dst=S6, hlim=63)
            / IPv6ExtHdrHopByHop()
            / IPv6ExtHdrDestOpt()
            / TCP(sport=1000, dport=8080, flags="S"),
        ),
    ),
    Row(
        "nat6 udp out",
        {**NAT, **SIX, **U},
        OPEN_UDP6,
        ("server", IPv6(src=S6, dst=C6) / UDP(sport=8080, dport=1000) / Raw(b"answer")),
        Sent(TO_CLIENT, IPv6(src=V6, dst=C6, hlim=63) / UDP(sport=80, dport=1000) / Raw(b"answer")),
    ),
    # -- DR (V37) --
    Row(
        "dr tcp: only ttl and ip checksum",
        DR,
        [],
        ("client", IP(src=C, dst=V, tos=3, id=9, options=RECORD) / syn()),
        Sent(TO_SERVER, IP(src=C, dst=V, ttl=63, tos=3, id=9, options=RECORD) / syn()),
    ),
    Row(
        "dr udp without checksum stays without",
        {**DR, **U},
        [],
        ("client", IP(src=C, dst=V) / UDP(sport=1000, dport=80, chksum=0) / Raw(b"hello")),
        Sent(TO_SERVER, IP(src=C, dst=V, ttl=63) / UDP(sport=1000, dport=80, chksum=0) / Raw(b"hello")),
    ),
    Row("dr6", {**DR, **SIX}, [], ("client", syn6(tc=1, fl=5)), Sent(TO_SERVER, syn6(hlim=63, tc=1, fl=5))),
    Row(
        "dr: a packet of the server that passes is only seen",
        DR,
        OPEN4,
        ("server", IP(src=V, dst=C) / TCP(sport=80, dport=1000, flags="A")),
        "Deliver seen",
    ),
    # -- TUN (V38, V39) --
    Row(
        "tun ipip: ttl, tos, df copied",
        TUN,
        [],
        ("client", syn4(ttl=64, tos=0x28, flags="DF")),
        Sent(
            TO_SERVER,
            IP(src=INNER, dst=S, ttl=63, tos=0x28, flags="DF", proto=4) / syn4(ttl=63, tos=0x28, flags="DF"),
            ("id", "chksum"),
        ),
    ),
    Row(
        "tun ipip: ce becomes ect(0) outside",
        TUN,
        [],
        ("client", syn4(tos=3)),
        Sent(TO_SERVER, IP(src=INNER, dst=S, ttl=63, tos=2, proto=4) / syn4(ttl=63, tos=3), ("id", "chksum")),
    ),
    Row(
        "tun ipip: pmtu_disc 0 clears df outside",
        {**TUN, "settings": L4Settings(pmtu_disc=0)},
        [],
        ("client", syn4(flags="DF")),
        Sent(TO_SERVER, IP(src=INNER, dst=S, ttl=63, proto=4) / syn4(ttl=63, flags="DF"), ("id", "chksum")),
    ),
    Row(
        "tun ip6ip6",
        {**TUN, **SIX},
        [],
        ("client", syn6(tc=4, fl=7)),
        Sent(TO_SERVER, IPv6(src=INNER6, dst=S6, hlim=63, tc=4, nh=41) / syn6(hlim=63, tc=4, fl=7)),
    ),
    Row(
        "tun ipv6 in ipv4",
        {**TUN, **SIX, "server": {"address": Address(S, 8080)}},
        [],
        ("client", syn6()),
        Sent(TO_SERVER, IP(src=INNER, dst=S, ttl=63, proto=41) / syn6(hlim=63), ("id", "chksum")),
    ),
    Row(
        "tun ipv4 in ipv6",
        {**TUN, "server": {"address": Address(S6, 8080)}},
        [],
        ("client", syn4()),
        Sent(TO_SERVER, IPv6(src=INNER6, dst=S6, hlim=63, nh=4) / syn4(ttl=63)),
    ),
    Row(
        "tun gre",
        tunnel("gre"),
        [],
        ("client", syn4()),
        Sent(
            TO_SERVER,
            IP(src=INNER, dst=S, ttl=63, proto=47) / GRE(proto=0x800) / syn4(ttl=63),
            ("id", "chksum"),
        ),
    ),
    Row(
        "tun gre with checksum",
        tunnel("gre", checksum="csum"),
        [],
        ("client", syn4()),
        Sent(
            TO_SERVER,
            IP(src=INNER, dst=S, ttl=63, proto=47) / GRE(proto=0x800, chksum_present=1) / syn4(ttl=63),
            ("id", "chksum"),
        ),
    ),
    Row(
        "tun gue",
        tunnel("gue", 6080),
        [],
        ("client", syn4()),
        Sent(
            TO_SERVER,
            IP(src=INNER, dst=S, ttl=63, proto=17)
            / UDP(sport=0, dport=6080, chksum=0)
            / Raw(b"\x00\x04\x00\x00" + bytes(syn4(ttl=63))),
            ("id", "chksum", "sport"),
        ),
    ),
    # -- LOCAL, BYPASS (V40, V41) --
    Row("local: the host has it, ttl unchanged", LOCAL, [], ("client", syn4()), "Deliver local"),
    Row(
        "a server at an own address is local",
        {**DR, "server": {"address": Address("192.0.2.1", 8080)}},
        [],
        ("client", syn4(ttl=1)),
        "Deliver local",
    ),
    Row(
        "bypass to the original destination",
        {
            "virtual": Virtual(fwmark=7),
            "server": {"weight": 0},
            "settings": L4Settings(cache_bypass=1, marks=(Mark(7, 6, ip_network("198.51.100.0/24")),)),
        },
        [],
        ("client", IP(src=C, dst="198.51.100.7") / syn()),
        Sent("to router", IP(src=C, dst="198.51.100.7", ttl=63) / syn()),
    ),
    # -- TTL (V42) --
    Row(
        "ttl 1, nat",
        NAT,
        [],
        ("client", syn4(ttl=1)),
        Sent(TO_CLIENT, IP(src=V, dst=C, tos=0xC0) / ICMP(type=11) / quote(syn4(ttl=1))),
    ),
    Row(
        "ttl 1, dr",
        DR,
        [],
        ("client", syn4(ttl=1)),
        Sent(TO_CLIENT, IP(src=V, dst=C, tos=0xC0) / ICMP(type=11) / quote(syn4(ttl=1))),
    ),
    Row(
        "ttl 1, tun",
        TUN,
        [],
        ("client", syn4(ttl=1)),
        Sent(TO_CLIENT, IP(src=V, dst=C, tos=0xC0) / ICMP(type=11) / quote(syn4(ttl=1))),
    ),
    Row(
        "hop limit 1, nat6",
        {**NAT, **SIX},
        [],
        ("client", syn6(hlim=1)),
        Sent(TO_CLIENT, IPv6(src=V6, dst=C6) / ICMPv6TimeExceeded() / quote(syn6(hlim=1))),
    ),
    Row(
        "ttl 1 on an open flow",
        NAT,
        OPEN4,
        ("client", IP(src=C, dst=V, ttl=1) / TCP(sport=1000, dport=80, flags="A")),
        Sent(
            TO_CLIENT,
            IP(src=V, dst=C, tos=0xC0)
            / ICMP(type=11)
            / quote(IP(src=C, dst=V, ttl=1) / TCP(sport=1000, dport=80, flags="A")),
        ),
    ),
    # -- MTU (V43) --
    Row(
        "df and too large, nat",
        {**NAT, **U, "mtu": 1400},
        [],
        ("client", big(1401, flags="DF")),
        Sent(
            TO_CLIENT,
            IP(src=V, dst=C, tos=0xC0) / ICMP(type=3, code=4, nexthopmtu=1400) / quote(big(1401, flags="DF")),
        ),
    ),
    Row(
        "df and just fitting, nat",
        {**NAT, **U, "mtu": 1400},
        [],
        ("client", big(1400, flags="DF")),
        Sent(
            TO_SERVER, IP(src=C, dst=S, ttl=63, flags="DF") / UDP(sport=1000, dport=8080) / Raw(b"y" * 1372)
        ),
    ),
    Row(
        "df and too large, tun: 20 less",
        {**TUN, **U},
        [],
        ("client", big(1481, flags="DF")),
        Sent(
            TO_CLIENT,
            IP(src=V, dst=C, tos=0xC0) / ICMP(type=3, code=4, nexthopmtu=1480) / quote(big(1481, flags="DF")),
        ),
    ),
    Row(
        "df and too large, gre: 24 less",
        {**tunnel("gre"), **U},
        [],
        ("client", big(1477, flags="DF")),
        Sent(
            TO_CLIENT,
            IP(src=V, dst=C, tos=0xC0) / ICMP(type=3, code=4, nexthopmtu=1476) / quote(big(1477, flags="DF")),
        ),
    ),
    Row(
        "df and too large, gue: 32 less",
        {**tunnel("gue", 6080), **U},
        [],
        ("client", big(1469, flags="DF")),
        Sent(
            TO_CLIENT,
            IP(src=V, dst=C, tos=0xC0) / ICMP(type=3, code=4, nexthopmtu=1468) / quote(big(1469, flags="DF")),
        ),
    ),
    Row(
        "too large, nat6",
        {**NAT, **U, **SIX, "mtu": 1400},
        [],
        ("client", big6(1401)),
        Sent(TO_CLIENT, IPv6(src=V6, dst=C6) / ICMPv6PacketTooBig(mtu=1400) / quote(big6(1401), 1232)),
    ),
    # -- ICMP through NAT (V31, V32) --
    Row(
        "frag-needed of a router reaches the server",
        NAT,
        OPEN4,
        (
            "client",
            IP(src=ROUTER, dst=V)
            / ICMP(type=3, code=4, nexthopmtu=1400)
            / IP(src=V, dst=C, ttl=60, id=4)
            / TCP(sport=80, dport=1000, flags="A"),
        ),
        Sent(
            TO_SERVER,
            IP(src=ROUTER, dst=S, ttl=63)
            / ICMP(type=3, code=4, nexthopmtu=1400)
            / IP(src=S, dst=C, ttl=60, id=4)
            / TCP(sport=8080, dport=1000, flags="A"),
            ("inner tcp sum",),
        ),
    ),
    Row(
        "port unreachable of the server reaches the client",
        {**NAT, **U},
        OPEN_UDP,
        (
            "server",
            IP(src=S, dst=C)
            / ICMP(type=3, code=3)
            / IP(src=C, dst=S, ttl=63)
            / UDP(sport=1000, dport=8080, chksum=7),
        ),
        Sent(
            TO_CLIENT,
            IP(src=V, dst=C, ttl=63)
            / ICMP(type=3, code=3)
            / IP(src=C, dst=V, ttl=63)
            / UDP(sport=1000, dport=80, chksum=7),
        ),
    ),
    Row(
        "time exceeded of a router behind the director",
        {**NAT, **U},
        OPEN_UDP,
        (
            "server",
            IP(src="10.0.0.99", dst=C)
            / ICMP(type=11)
            / IP(src=C, dst=S, ttl=1)
            / UDP(sport=1000, dport=8080, chksum=7),
        ),
        Sent(
            TO_CLIENT,
            IP(src=V, dst=C, ttl=63)
            / ICMP(type=11)
            / IP(src=C, dst=V, ttl=1)
            / UDP(sport=1000, dport=80, chksum=7),
        ),
    ),
    Row(
        "packet too big reaches the server, v6",
        {**NAT, **SIX},
        OPEN6,
        (
            "client",
            IPv6(src="2001:db8:1::fe", dst=V6)
            / ICMPv6PacketTooBig(mtu=1300)
            / IPv6(src=V6, dst=C6)
            / TCP(sport=80, dport=1000, flags="A", chksum=7),
        ),
        Sent(
            TO_SERVER,
            IPv6(src="2001:db8:1::fe", dst=S6, hlim=63)
            / ICMPv6PacketTooBig(mtu=1300)
            / IPv6(src=S6, dst=C6)
            / TCP(sport=8080, dport=1000, flags="A", chksum=7),
        ),
    ),
    Row(
        "unreachable of the server reaches the client, v6",
        {**NAT, **SIX, **U},
        OPEN_UDP6,
        (
            "server",
            IPv6(src=S6, dst=C6)
            / ICMPv6DestUnreach(code=4)
            / IPv6(src=C6, dst=S6, hlim=63)
            / UDP(sport=1000, dport=8080, chksum=7),
        ),
        Sent(
            TO_CLIENT,
            IPv6(src=V6, dst=C6, hlim=63)
            / ICMPv6DestUnreach(code=4)
            / IPv6(src=C6, dst=V6, hlim=63)
            / UDP(sport=1000, dport=80, chksum=7),
        ),
    ),
    Row(
        "icmp with a bad checksum",
        {**NAT, **U},
        OPEN_UDP,
        (
            "server",
            IP(src=S, dst=C)
            / ICMP(type=3, code=3, chksum=1)
            / IP(src=C, dst=S)
            / UDP(sport=1000, dport=8080),
        ),
        "Drop bad_icmp_checksum",
    ),
    Row(
        "icmp about nobody's flow",
        NAT,
        [],
        (
            "client",
            IP(src=ROUTER, dst=V) / ICMP(type=3, code=4) / IP(src=V, dst=C) / TCP(sport=80, dport=1000),
        ),
        "Deliver icmp_no_flow",
    ),
    Row(
        "icmp to a DR server goes through DR",
        DR,
        OPEN4,
        (
            "client",
            IP(src=ROUTER, dst=V)
            / ICMP(type=3, code=4, nexthopmtu=1400)
            / IP(src=V, dst=C)
            / TCP(sport=80, dport=1000),
        ),
        Sent(
            TO_SERVER,
            IP(src=ROUTER, dst=V, ttl=63)
            / ICMP(type=3, code=4, nexthopmtu=1400)
            / IP(src=V, dst=C)
            / TCP(sport=80, dport=1000),
        ),
    ),
    Row(
        "frag-needed about our tunnel becomes one about its load",
        TUN,
        OPEN4,
        (
            "server",
            IP(src="10.0.0.99", dst=INNER)
            / ICMP(type=3, code=4, nexthopmtu=1400)
            / IP(src=INNER, dst=S, proto=4)
            / IP(src=C, dst=V, flags="DF", ttl=63)
            / TCP(sport=1000, dport=80, flags="A"),
        ),
        Sent(
            TO_CLIENT,
            IP(src=V, dst=C, tos=0xC0)
            / ICMP(type=3, code=4, nexthopmtu=1380)
            / IP(src=C, dst=V, flags="DF", ttl=63)
            / TCP(sport=1000, dport=80, flags="A"),
        ),
    ),
    Row(
        "unreachable about our tunnel becomes one about its load",
        TUN,
        OPEN4,
        (
            "server",
            IP(src="10.0.0.99", dst=INNER)
            / ICMP(type=3, code=1)
            / IP(src=INNER, dst=S, proto=4)
            / IP(src=C, dst=V, ttl=63)
            / TCP(sport=1000, dport=80, flags="A"),
        ),
        Sent(
            TO_CLIENT,
            IP(src=V, dst=C, tos=0xC0)
            / ICMP(type=3, code=1)
            / IP(src=C, dst=V, ttl=63)
            / TCP(sport=1000, dport=80, flags="A"),
        ),
    ),
    # -- what opens a flow, and the leave rule (V33, V34, V44, V45, V46) --
    Row(
        "ack without a flow is the host's",
        NAT,
        [],
        ("client", IP(src=C, dst=V) / TCP(sport=1000, dport=80, flags="A")),
        "Deliver no_flow",
    ),
    Row(
        "syn+rst opens nothing",
        NAT,
        [],
        ("client", IP(src=C, dst=V) / TCP(sport=1000, dport=80, flags="SR")),
        "Deliver no_flow",
    ),
    Row(
        "ack with sloppy_tcp opens",
        {**NAT, "settings": L4Settings(sloppy_tcp=1)},
        [],
        ("client", IP(src=C, dst=V) / TCP(sport=1000, dport=80, flags="A")),
        Sent(TO_SERVER, IP(src=C, dst=S, ttl=63) / TCP(sport=1000, dport=8080, flags="A")),
    ),
    Row(
        "rst with sloppy_tcp does not",
        {**NAT, "settings": L4Settings(sloppy_tcp=1)},
        [],
        ("client", IP(src=C, dst=V) / TCP(sport=1000, dport=80, flags="R")),
        "Deliver no_flow",
    ),
    Row(
        "sctp data without a flow is the host's",
        {**NAT, **SCTP_},
        [],
        ("client", IP(src=C, dst=V) / SCTP(sport=1000, dport=80) / SCTPChunkData(data=b"1234")),
        "Deliver no_flow",
    ),
    Row(
        "sctp data with sloppy_sctp opens",
        {**NAT, **SCTP_, "settings": L4Settings(sloppy_sctp=1)},
        [],
        ("client", IP(src=C, dst=V) / SCTP(sport=1000, dport=80) / SCTPChunkData(data=b"1234")),
        Sent(
            TO_SERVER, IP(src=C, dst=S, ttl=63) / SCTP(sport=1000, dport=8080) / SCTPChunkData(data=b"1234")
        ),
    ),
    Row(
        "no service",
        NAT,
        [],
        ("client", IP(src=C, dst=V) / TCP(sport=1000, dport=81, flags="S")),
        "Deliver no_service",
    ),
    Row(
        "no server: port unreachable",
        {**NAT, "server": {"weight": 0}},
        [],
        ("client", syn4()),
        Sent(TO_CLIENT, IP(src=V, dst=C, tos=0xC0) / ICMP(type=3, code=3) / quote(syn4())),
    ),
    Row(
        "no server: port unreachable, v6",
        {**NAT, **SIX, "server": {"weight": 0}},
        [],
        ("client", syn6()),
        Sent(TO_CLIENT, IPv6(src=V6, dst=C6) / ICMPv6DestUnreach(code=4) / quote(syn6())),
    ),
    Row(
        "no server for an ftp service's high port: the host's",
        {**NAT, "port": 21, "server": {"weight": 0}},
        [],
        ("client", IP(src=C, dst=V) / TCP(sport=1000, dport=5000, flags="S")),
        "Deliver ignored",
    ),
    Row(
        "source port 20 is never scheduled",
        NAT,
        [],
        ("client", IP(src=C, dst=V) / TCP(sport=20, dport=80, flags="S")),
        "Deliver ignored",
    ),
    Row(
        "stray packet of a nat server",
        NAT,
        [],
        ("server", IP(src=S, dst=C) / TCP(sport=8080, dport=1000, flags="A")),
        "Deliver no_service",
    ),
    Row(
        "stray packet of a nat server, nat_icmp_send",
        {**NAT, "settings": L4Settings(nat_icmp_send=1)},
        [],
        ("server", IP(src=S, dst=C) / TCP(sport=8080, dport=1000, flags="A")),
        Sent(
            TO_SERVER,
            IP(src=INNER, dst=S, tos=0xC0)
            / ICMP(type=3, code=3)
            / quote(IP(src=S, dst=C) / TCP(sport=8080, dport=1000, flags="A")),
        ),
    ),
    Row(
        "stray rst of a nat server, nat_icmp_send",
        {**NAT, "settings": L4Settings(nat_icmp_send=1)},
        [],
        ("server", IP(src=S, dst=C) / TCP(sport=8080, dport=1000, flags="R")),
        "Deliver no_service",
    ),
]

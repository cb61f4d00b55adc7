"""`parse` against scapy: what is read, what is refused, at every length."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop
from scapy.layers.l2 import Ether
from scapy.layers.sctp import SCTP, SCTPChunkInit
from scapy.packet import Raw

from director.errors import PacketError
from director.l4.wire.parse import parse


def frame(layers: Any) -> bytearray:
    return bytearray(bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / layers))


V4: dict[str, Any] = {"src": "192.0.2.1", "dst": "192.0.2.2"}
V6: dict[str, Any] = {"src": "2001:db8::1", "dst": "2001:db8::2"}
WHOLE = [
    IP(**V4) / TCP(sport=1000, dport=80, flags="S", options=[("MSS", 1460), ("WScale", 7)]) / Raw(b"odd"),
    IP(**V4, options=b"\x07\x07\x04\0\0\0\0\0") / UDP(sport=1000, dport=53) / Raw(b"question"),
    IP(**V4) / ICMP(type=8) / Raw(b"ping!"),
    IP(**V4) / SCTP(sport=1000, dport=80) / SCTPChunkInit(),
    IPv6(**V6) / TCP(sport=1000, dport=80, flags="A") / Raw(b"abc"),
    IPv6(**V6) / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / UDP(sport=1000, dport=53) / Raw(b"x"),
]


@pytest.mark.parametrize("layers", WHOLE, ids=repr)
def test_whole_packet_is_read_as_scapy_reads_it(layers: Any) -> None:
    raw = frame(layers)
    packet = parse(bytearray(raw))
    assert packet.length == len(bytes(layers))
    if packet.protocol in (6, 17, 132):
        assert (packet.sport, packet.dport) in {(1000, 80), (1000, 53)}


@pytest.mark.parametrize("layers", WHOLE, ids=repr)
def test_truncated_at_each_length_is_refused(layers: Any) -> None:
    raw = frame(layers)
    for size in range(14, len(raw)):
        with pytest.raises(PacketError):
            parse(raw[:size])


@pytest.mark.parametrize("layers", WHOLE, ids=repr)
def test_padding_is_cut_off(layers: Any) -> None:
    raw = frame(layers)
    padded = raw + b"\0" * 9
    assert parse(padded).length == len(bytes(layers))
    assert padded == raw


REFUSED = [
    ("bad_ipv4_header", IP(**V4, version=5) / UDP()),
    ("bad_ipv4_header", IP(**V4, ihl=4) / UDP()),
    ("truncated_ipv4", IP(**V4, len=200) / UDP()),
    ("bad_ipv4_checksum", IP(**V4, chksum=1) / UDP()),
    ("bad_tcp_offset", IP(**V4) / TCP(dataofs=4)),
    ("bad_tcp_offset", IP(**V4) / TCP(dataofs=15)),
    ("bad_udp_length", IP(**V4) / UDP(len=7)),
    ("bad_udp_length", IP(**V4) / UDP(len=9)),
    ("bad_fragment", IP(**V4, flags="MF") / UDP() / Raw(b"x")),
    ("bad_fragment", IP(**V4, frag=8191) / Raw(b"x" * 64)),
    ("truncated_ipv6", IPv6(**V6, plen=200) / UDP()),
    ("bad_fragment", IPv6(**V6) / IPv6ExtHdrFragment(m=1) / Raw(b"x")),
]


@pytest.mark.parametrize(("reason", "layers"), REFUSED, ids=repr)
def test_bad_header_names_its_reason(reason: str, layers: Any) -> None:
    with pytest.raises(PacketError, match=reason):
        parse(frame(layers))


def test_source_route_is_refused() -> None:
    raw = frame(IP(**V4, options=b"\x83\x07\x04\x0a\0\0\1\0") / UDP())
    with pytest.raises(PacketError, match="source_routed"):
        parse(raw)


def test_chain_of_extension_headers_is_bounded() -> None:
    layers: Any = IPv6(**V6)
    for _ in range(9):
        layers = layers / IPv6ExtHdrDestOpt()
    with pytest.raises(PacketError, match="ipv6_extension_chain"):
        parse(frame(layers / UDP()))


def test_later_fragments_have_no_ports() -> None:
    four = parse(frame(IP(**V4, frag=2, proto=17, id=7) / Raw(b"x" * 16)))
    assert (four.sport, four.fragment, four.ident, four.more) == (0, 16, 7, False)
    six = parse(frame(IPv6(**V6) / IPv6ExtHdrFragment(offset=3, m=1, id=9, nh=17) / Raw(b"x" * 16)))
    assert (six.protocol, six.fragment, six.ident, six.more) == (17, 24, 9, True)


@given(st.binary(max_size=120), st.sampled_from([b"\x08\x00\x45", b"\x86\xdd\x60", b"\x08\x00"]))
def test_any_bytes_are_read_or_refused(data: bytes, start: bytes) -> None:
    raw = bytearray(b"\0" * 12 + start + data)
    try:
        packet = parse(raw)
    except PacketError:
        return
    assert 14 < packet.l4 <= packet.end <= len(raw)

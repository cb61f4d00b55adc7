"""Segments and fragments against scapy's own cutting and RFC 791's copied options."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from director.l4.wire import offload as vnet
from director.l4.wire.parse import parse
from director.l4.wire.segment import fragments, fragments_v6, segments
from tests.support.layer4_world import right

ENDS = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
DATA = bytes(range(256)) * 20
V4, V6 = IP(src="192.0.2.1", dst="192.0.2.2", id=0xFFFF), IPv6(src="2001:db8::1", dst="2001:db8::2")


def frame(layers: Any) -> bytearray:
    return bytearray(bytes(ENDS / layers))


@pytest.mark.parametrize("outer", [V4, V6], ids=["v4", "v6"])
def test_tcp_segments(outer: Any) -> None:
    tcp = TCP(sport=1, dport=2, seq=0xFFFFFF00, flags="FPAC", options=[("Timestamp", (1, 2))])
    kind = vnet.GSO_TCPV4 if outer is V4 else vnet.GSO_TCPV6
    header = vnet.write(vnet.Offload(vnet.NEEDS_CSUM, kind, 66, 1000, 34, 16))
    made = [Ether(bytes(one)) for one in segments(parse(frame(outer / tcp / Raw(DATA)), header))]
    assert b"".join(one[Raw].load for one in made) == DATA
    assert all(right(one) for one in made)
    assert [one[TCP].seq for one in made] == [(0xFFFFFF00 + 1000 * number) % 2**32 for number in range(6)]
    assert [str(one[TCP].flags) for one in made] == ["AC", "A", "A", "A", "A", "FPA"]
    if outer is V4:
        assert [one[IP].id for one in made] == [0xFFFF, 0, 1, 2, 3, 4]


def test_udp_segments_are_datagrams() -> None:
    header = vnet.write(vnet.Offload(vnet.NEEDS_CSUM, vnet.GSO_UDP_L4, 42, 1200, 34, 6))
    made = [
        Ether(bytes(one)) for one in segments(parse(frame(V4 / UDP(sport=1, dport=2) / Raw(DATA)), header))
    ]
    assert b"".join(one[Raw].load for one in made) == DATA
    assert all(right(one) for one in made)


def test_ordinary_frame_is_only_completed() -> None:
    raw = frame(V4 / TCP(sport=1, dport=2, chksum=0x1234) / Raw(b"abc"))
    (plain,) = segments(parse(bytearray(raw)))
    assert plain == raw
    header = vnet.write(vnet.Offload(vnet.NEEDS_CSUM, 0, 0, 0, 34, 16))
    (done,) = segments(parse(bytearray(raw), header))
    assert right(Ether(bytes(done)))


def test_fragments_carry_copied_options_only() -> None:
    options = (
        b"\x07\x07\x04\0\0\0\0" + b"\x94\x04\0\0" + b"\0"
    )  # record route (not copied), router alert (copied)
    whole = frame(
        IP(src="192.0.2.1", dst="192.0.2.2", id=5, options=options) / UDP(sport=1, dport=2) / Raw(DATA)
    )
    made = [Ether(bytes(one)) for one in fragments(whole, 576)]
    assert all(len(one[IP]) <= 576 for one in made)
    assert [one[IP].ihl for one in made] == [8] + [6] * (len(made) - 1)
    assert b"".join(bytes(one[IP].payload) for one in made) == bytes(whole[46:])
    assert [int(one[IP].flags) for one in made] == [1] * (len(made) - 1) + [0]
    assert fragments(whole, 30) == []


def test_fragment_of_a_fragment_keeps_its_place() -> None:
    piece = frame(
        IP(src="192.0.2.1", dst="192.0.2.2", id=5, frag=100, flags="MF", proto=17) / Raw(DATA[:1200])
    )
    made = [Ether(bytes(one)) for one in fragments(piece, 820)]
    assert [(one[IP].frag, int(one[IP].flags)) for one in made] == [(100, 1), (200, 1)]


def test_ipv6_fragments() -> None:
    whole = frame(V6 / UDP(sport=1, dport=2) / Raw(DATA))
    made = [Ether(bytes(one)) for one in fragments_v6(whole, 1280, 77)]
    assert all(len(one[IPv6]) <= 1280 for one in made)
    assert {one[IPv6].nh for one in made} == {44}
    assert b"".join(bytes(one[IPv6].payload.payload) for one in made) == bytes(whole[54:])
    assert fragments_v6(whole, 48, 77) == []


def test_ipv6_fragments_carry_the_headers_that_routers_read() -> None:
    """RFC 8200, 4.5: hop-by-hop options stand before the fragment header in each of them."""
    whole = frame(V6 / IPv6ExtHdrHopByHop() / UDP(sport=1, dport=2) / Raw(DATA))
    made = [Ether(bytes(one)) for one in fragments_v6(whole, 1280, 77, 14 + 48, 14 + 40)]
    assert all(len(one[IPv6]) <= 1280 for one in made)
    assert {(one[IPv6].nh, one[IPv6ExtHdrHopByHop].nh, one[IPv6ExtHdrFragment].nh) for one in made} == {
        (0, 44, 17)
    }
    assert b"".join(bytes(one[IPv6ExtHdrFragment].payload) for one in made) == bytes(whole[62:])

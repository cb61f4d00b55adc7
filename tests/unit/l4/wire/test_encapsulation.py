"""Outer headers that are ready, against scapy's own."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

from director.l4.wire.encapsulation import Encapsulation
from director.model.pools import Tunnel
from tests.support.layer4_world import packed, right

INNER = IP(src="192.0.2.9", dst="192.0.2.80", ttl=63) / UDP(sport=1, dport=2) / b"data"


def wrapped(source: str, target: str, *, tos: int, df: int = 0, discover: bool = True) -> Any:
    made = Encapsulation(packed(source), packed(target), 4, b"", discover, 41, Tunnel())
    frame = bytearray(bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / INNER))
    made.encapsulate(frame, tos, 63, df)
    return Ether(bytes(frame))


@pytest.mark.parametrize(("inner", "outer"), [(0x00, 0x00), (0xB9, 0xB9), (0xBB, 0xBA)])
def test_congestion_marks_go_by_full_functionality(inner: int, outer: int) -> None:
    """RFC 3168, 9.1.1: CE inside becomes ECT(0) outside; the rest of the field is copied."""
    assert wrapped("10.0.0.1", "10.0.0.11", tos=inner)[IP].tos == outer
    assert wrapped("2001:db8::1", "2001:db8::2", tos=inner)[IPv6].tc == outer


def test_the_outer_header_is_whole_and_the_inner_packet_untouched() -> None:
    frame = wrapped("10.0.0.1", "10.0.0.11", tos=0, df=0x4000)
    assert right(frame)
    assert (frame[IP].src, frame[IP].dst, frame[IP].proto, frame[IP].ttl) == ("10.0.0.1", "10.0.0.11", 4, 63)
    assert frame[IP].flags == "DF"
    assert bytes(frame[IP].payload) == bytes(INNER)


def test_df_is_not_copied_where_path_mtus_are_not_discovered() -> None:
    assert wrapped("10.0.0.1", "10.0.0.11", tos=0, df=0x4000, discover=False)[IP].flags == 0


def test_each_packet_has_its_own_identification() -> None:
    """RFC 6864, 4.1."""
    made = Encapsulation(packed("10.0.0.1"), packed("10.0.0.11"), 4, b"", True, 0xFFFE, Tunnel())
    seen = []
    for _ in range(3):
        frame = bytearray(bytes(Ether() / INNER))
        made.encapsulate(frame, 0, 63, 0)
        seen.append(Ether(bytes(frame))[IP].id)
    assert seen == [0xFFFF, 0, 1]

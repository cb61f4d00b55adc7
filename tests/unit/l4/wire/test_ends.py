"""Packets inside errors and tunnels, read at any offset; scapy makes them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop

from director.l4.wire.ends import ends_of

V4: dict[str, Any] = {"src": "192.0.2.80", "dst": "192.0.2.9"}
V6: dict[str, Any] = {"src": "2001:db8::80", "dst": "2001:db8::9"}
INNER = UDP(sport=80, dport=1000) / bytes(16)
BEFORE = b"error..."
"""The eight octets of an ICMP header."""


def read(layers: Any, cut: int | None = None) -> Any:
    data = BEFORE + bytes(layers)[:cut]
    return ends_of(data, len(BEFORE), len(data))


@pytest.mark.parametrize(
    ("layers", "l4", "plain", "piece"),
    [
        (IP(**V4) / INNER, 20, True, False),
        (IP(**V4, options=b"\x07\x07\x04\0\0\0\0\0") / INNER, 28, False, False),
        (IP(**V4, flags="MF") / INNER, 20, True, True),
        (IPv6(**V6) / INNER, 40, True, False),
        (IPv6(**V6) / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / INNER, 56, False, False),
        (IPv6(**V6) / IPv6ExtHdrFragment(nh=17, m=1) / INNER, 48, False, True),
    ],
)
def test_ports_stand_behind_options_and_extension_headers(
    layers: Any, l4: int, plain: bool, piece: bool
) -> None:
    found = read(layers)
    assert (found.protocol, found.sport, found.dport) == (17, 80, 1000)
    assert (found.l4 - found.at, found.plain, found.piece, found.later) == (l4, plain, piece, False)


@pytest.mark.parametrize(
    "layers",
    [
        IP(**V4, frag=5, proto=17) / bytes(INNER),
        IPv6(**V6) / IPv6ExtHdrFragment(nh=17, offset=8) / bytes(INNER),
        IPv6(**V6) / IPv6ExtHdrHopByHop() / IPv6ExtHdrFragment(nh=17, offset=8) / bytes(INNER),
    ],
)
def test_a_later_fragment_names_no_ports(layers: Any) -> None:
    """RFC 791, 3.1; RFC 8200, 4.5: the offset stands in the upper 13 bits."""
    found = read(layers)
    assert (found.later, found.piece, found.sport, found.dport) == (True, True, 0, 0)


@pytest.mark.parametrize("layers", [IP(**V4) / INNER, IPv6(**V6) / IPv6ExtHdrHopByHop() / INNER])
def test_what_is_cut_before_eight_octets_of_layer_4_is_not_read(layers: Any) -> None:
    """RFC 792: the header and 64 bits of the data."""
    least = len(bytes(layers)) - len(bytes(INNER)) + 8
    readable = [size for size in range(least + 8) if read(layers, size) is not None]
    assert readable == list(range(least, least + 8))


def test_what_the_director_lets_never_pass_is_not_read() -> None:
    routed = bytes(IPv6(**V6, nh=43)) + bytes((17, 0, 0, 1, 0, 0, 0, 0)) + bytes(INNER)
    assert read(routed) is None
    assert read(b"\x50" + bytes(40)) is None


@given(st.binary(max_size=120), st.integers(0, 60))
def test_any_octets_are_read_or_refused(data: bytes, at: int) -> None:
    found = ends_of(data, at, len(data))
    assert found is None or at < found.l4 <= len(data)

"""Rewriting and building against scapy."""

from __future__ import annotations

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

from director.l4.wire import ipv4
from director.l4.wire.ethernet import L3


@pytest.mark.parametrize("ident", [0, 1, 0xB0FF, 0xFEFF, 0xFFFF])
@pytest.mark.parametrize("ttl", [2, 64, 255])
def test_lower_ttl_is_signing_anew(ident: int, ttl: int) -> None:
    layers = IP(src="192.0.2.1", dst="192.0.2.2", ttl=ttl, id=ident) / UDP()
    frame = bytearray(bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / layers))
    ipv4.lower_ttl(frame)
    layers.ttl -= 1
    assert frame[L3:] == bytes(layers)


def test_build() -> None:
    expected = bytes(IP(src="10.0.0.1", dst="10.0.0.2", proto=4, ttl=9, tos=3, id=5, flags="DF", len=48))
    made = ipv4.build(b"\x0a\0\0\1", b"\x0a\0\0\2", 4, 28, ttl=9, tos=3, ident=5, df=True)
    assert made == expected

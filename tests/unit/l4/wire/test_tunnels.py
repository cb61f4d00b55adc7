"""Outer headers against scapy and the size table of `lvs-semantics` E."""

from __future__ import annotations

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import GRE
from scapy.packet import Raw

from director.l4.wire import tunnels
from director.l4.wire.checksum import checksum, pseudo
from director.l4.wire.ethernet import IPV4, IPV6

INNER = bytes(IP(src="192.0.2.1", dst="192.0.2.2") / UDP() / Raw(b"odd"))


@pytest.mark.parametrize("with_checksum", [False, True])
def test_gre(with_checksum: bool) -> None:
    expected = bytes(GRE(proto=0x0800, chksum_present=int(with_checksum)) / Raw(INNER))
    assert tunnels.gre(0x0800, INNER, with_checksum=with_checksum) + INNER == expected


@pytest.mark.parametrize("with_checksum", [False, True])
def test_gue(with_checksum: bool) -> None:
    ends = (b"\x0a\0\0\1", b"\x0a\0\0\2")
    made = tunnels.gue(40000, 6080, 4, INNER, ends, with_checksum=with_checksum)
    assert made[:6] == (40000).to_bytes(2, "big") + (6080).to_bytes(2, "big") + (12 + len(INNER)).to_bytes(
        2, "big"
    )
    assert made[8:] == b"\x00\x04\x00\x00"
    if with_checksum:
        assert checksum(made + INNER, pseudo(*ends, 17, len(made) + len(INNER))) == 0
    else:
        assert made[6:8] == b"\0\0"


@pytest.mark.parametrize(
    ("kind", "family", "with_checksum", "size"),
    [
        ("ipip", IPV4, False, 20), ("ipip", IPV6, False, 40), ("gue", IPV4, False, 32),
        ("gue", IPV6, True, 52),
        ("gre", IPV4, False, 24), ("gre", IPV4, True, 28), ("gre", IPV6, False, 44),
    ],
)  # fmt: skip
def test_overhead(kind: str, family: int, with_checksum: bool, size: int) -> None:
    assert tunnels.overhead(kind, family, with_checksum=with_checksum) == size
    assert tunnels.overhead("gue", family, with_checksum=True, remote=True) == (40 if family == IPV4 else 60)


def test_inner_packet_is_found_again() -> None:
    ports = frozenset({6080})
    assert tunnels.inner_offset(4, INNER, 20, ports) == 20
    gre = tunnels.gre(0x0800, INNER, with_checksum=True)
    assert tunnels.inner_offset(47, gre + INNER, 0, ports) == len(gre)
    gue = tunnels.gue(1, 6080, 4, INNER, (b"\0" * 4, b"\0" * 4), with_checksum=False)
    assert tunnels.inner_offset(17, gue + INNER, 0, ports) == len(gue)
    assert tunnels.inner_offset(17, gue + INNER, 0, frozenset()) is None
    gue = tunnels.gue(1, 6080, 4, INNER, (b"\0" * 4, b"\0" * 4), with_checksum=True, remote=(20, 26))
    assert tunnels.inner_offset(17, gue + INNER, 0, ports) == len(gue) == 20
    assert tunnels.inner_offset(6, INNER, 0, ports) is None

"""Layer-4 checksums against scapy's."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

from director.l4.wire.integrity import complete, verified
from director.l4.wire.parse import parse
from tests.unit.l4.wire.test_parse import V4, V6, WHOLE, frame


@pytest.mark.parametrize("layers", WHOLE, ids=repr)
def test_wrong_checksum_is_seen_and_mended(layers: Any) -> None:
    raw = frame(layers)
    assert verified(parse(bytearray(raw)))
    raw[-1] ^= 0x55
    packet = parse(raw)
    assert not verified(packet)
    if not packet.icmp or packet.family == 0x86DD:
        complete(packet, packet.source, packet.destination)
        assert verified(packet)


def test_udp_without_checksum_is_fine_over_ipv4_only() -> None:
    assert verified(parse(frame(IP(**V4) / UDP(sport=1, dport=2, chksum=0) / Raw(b"x"))))
    assert not verified(parse(frame(IPv6(**V6) / UDP(sport=1, dport=2, chksum=0) / Raw(b"x"))))

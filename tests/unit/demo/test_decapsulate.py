from __future__ import annotations

import struct
from typing import Any

import pytest

from director.demo.decapsulate import inner, is_fragment
from tests.support.raising import nothing_raised

scapy = pytest.importorskip("scapy.all", reason="scapy builds the frames")

INNER = scapy.IP(src="10.0.0.2", dst="10.9.0.1") / scapy.TCP(sport=1, dport=80) / b"hello"


def frame(*layers: Any) -> bytes:
    packet = scapy.Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    for layer in layers:
        packet /= layer
    return bytes(packet)


@pytest.mark.parametrize("options", [[], [scapy.IPOption_NOP()] * 4])
def test_the_inner_packet_comes_out_whole(options: list[object]) -> None:
    whole = frame(scapy.IP(dst="10.1.0.1", proto=4, options=options), INNER)
    assert inner(whole, b"") == (frame(INNER), b"")


def test_padding_behind_the_outer_packet_goes() -> None:
    whole = frame(scapy.IP(dst="10.1.0.1", proto=4), INNER) + bytes(18)
    found = inner(whole, b"")
    assert found is not None
    assert found[0] == frame(INNER)


def test_an_unfinished_checksum_moves_with_its_packet() -> None:
    header = struct.pack("=BBHHHH", 1, 1, 86, 1428, 54, 16)
    found = inner(frame(scapy.IP(dst="10.1.0.1", proto=4), INNER), header)
    assert found is not None
    assert struct.unpack("=BBHHHH", found[1]) == (1, 1, 66, 1428, 34, 16)


@pytest.mark.parametrize(
    "layers",
    [(INNER,), (scapy.IP(proto=4, frag=3), INNER), (scapy.IP(proto=4, flags="MF"), INNER), (scapy.ARP(),)],
)
def test_other_packets_are_left_alone(layers: tuple[Any, ...]) -> None:
    assert inner(frame(*layers), b"") is None


def test_only_fragments_of_the_tunnel_are_waited_for() -> None:
    assert is_fragment(frame(scapy.IP(proto=4, frag=3), INNER))
    assert is_fragment(frame(scapy.IP(proto=4, flags="MF"), INNER))
    assert not is_fragment(frame(scapy.IP(proto=4), INNER))
    assert not is_fragment(frame(scapy.IP(proto=17, frag=3), INNER))
    assert not is_fragment(b"")


def test_no_truncation_raises() -> None:
    whole = frame(scapy.IP(dst="10.1.0.1", proto=4), INNER)
    for length in range(len(whole)):
        with nothing_raised(f"the first {length} octets"):
            inner(whole[:length], b"")

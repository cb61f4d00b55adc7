"""Messages of version 0: octets written down from `lvs-semantics` J.3 (row V74)."""

from __future__ import annotations

import sys
from ipaddress import ip_address

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from director.errors import PacketError
from director.model.synced import Sequence, SyncedConnection
from director.sync import version0

ONE = SyncedConnection(
    6, ip_address("192.0.2.9").packed, 40123, ip_address("192.0.2.80").packed, 80,
    ip_address("10.0.0.11").packed, 8080, 0x100, 4,
)  # fmt: skip
OCTETS = bytes.fromhex("00 06 9cbb 0050 1f90 c0000209 c0000250 0a00000b 0100 0004")


def test_a_record() -> None:
    assert version0.record(evolve(ONE, timeout=900, mark=7)) == OCTETS
    text = bytes.fromhex("02 05 0034") + OCTETS * 2
    assert version0.message([OCTETS, OCTETS], 5) == text
    assert list(version0.read(text)) == [ONE, ONE]


def test_sequence_numbers_are_in_the_order_of_the_host() -> None:
    moved = evolve(ONE, flags=0x200, incoming=Sequence(1, 0, 0), outgoing=Sequence(7000, -3, 2))
    words = b"".join((value & 0xFFFFFFFF).to_bytes(4, sys.byteorder) for value in (1, 0, 0, 7000, -3, 2))
    octets = OCTETS[:20] + b"\x02\x00\x00\x04" + words
    assert version0.record(moved) == octets
    assert list(version0.read(bytes.fromhex("01 00 0034") + octets)) == [moved]


def test_what_it_cannot_tell() -> None:
    wide = ip_address("2001:db8::1").packed
    assert version0.record(evolve(ONE, client=wide, virtual=wide, target=wide)) is None
    assert version0.record(evolve(ONE, data=b"call", engine="sip")) is None


@pytest.mark.parametrize("cut", [1, 24, 25])
def test_what_is_cut_off(cut: int) -> None:
    text = bytes.fromhex("01 00 0034") + OCTETS[:20] + b"\x02\x00\x00\x04" + bytes(24)
    with pytest.raises(PacketError, match="sync_truncated"):
        list(version0.read(text[:-cut]))


@given(st.binary(min_size=4, max_size=200))
def test_no_octets_do_harm(text: bytes) -> None:
    try:
        found = list(version0.read(text))
    except PacketError:
        return
    assert len(found) == text[0]

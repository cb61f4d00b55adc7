"""Messages of version 1: octets written down from the tables of `lvs-semantics` J.2 (row V73)."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from director.errors import PacketError
from director.model.synced import Sequence, SyncedConnection
from director.sync import version1

V4 = SyncedConnection(
    6, ip_address("192.0.2.9").packed, 40123, ip_address("192.0.2.80").packed, 80,
    ip_address("10.0.0.11").packed, 8080, 0, 1, 0, 900,
)  # fmt: skip
V4_OCTETS = bytes.fromhex(
    "00 06 0024"  # IPv4, TCP, version 0 and 36 octets
    "00000000 0001"  # masquerading, active; ESTABLISHED
    "9cbb 0050 1f90"  # 40123, 80, 8080
    "00000000 00000384"  # no mark, 900 s
    "c0000209 c0000250 0a00000b"
)
V6 = SyncedConnection(
    17, ip_address("2001:db8:1::9").packed, 1, ip_address("2001:db8:1::80").packed, 53,
    ip_address("2001:db8:2::11").packed, 5353, 0x183, 0, 0x12345678, 300,
)  # fmt: skip
V6_OCTETS = bytes.fromhex(
    "01 11 0048"  # IPv6, UDP, 72 octets
    "00000183 0000"  # DR, NOOUTPUT, INACTIVE; UDP has but one state
    "0001 0035 14e9"
    "12345678 0000012c"
    "20010db8000100000000000000000009 20010db8000100000000000000000080 20010db8000200000000000000000011"
)


def read(text: bytes) -> list[SyncedConnection]:
    return list(version1.read(text))


def header(size: int, records: int, syncid: int = 5) -> bytes:
    """J.2: reserved, syncid, size, number of records, version 1, spare."""
    return bytes((0, syncid)) + size.to_bytes(2, "big") + bytes((records, 1, 0, 0))


def test_records_of_both_families() -> None:
    assert version1.record(V4) == V4_OCTETS
    assert version1.record(V6) == V6_OCTETS
    text = header(8 + 36 + 72, 2) + V4_OCTETS + V6_OCTETS
    assert version1.message([V4_OCTETS, V6_OCTETS], 5) == text
    assert read(text) == [V4, V6]


def test_options_and_padding() -> None:
    moved = evolve(
        V4, flags=0x600, incoming=Sequence(1000, 0, 0), outgoing=Sequence(0xFFFFFFFE, -3, 2),
        engine="sip", data=b"abcde",
    )  # fmt: skip
    octets = (
        bytes.fromhex("00 06 0046 00000600 0001 9cbb 0050 1f90 00000000 00000384")
        + V4_OCTETS[-12:]
        + bytes.fromhex("01 18 000003e8 00000000 00000000 fffffffe fffffffd 00000002")
        + bytes.fromhex("02 05 6162636465")
        + bytes.fromhex("03 03 736970")
    )
    # 36 octets, then options of 26, 7 and 5 = 74 = 0x4a
    octets = octets[:2] + b"\x00\x4a" + octets[4:]
    assert version1.record(moved) == octets
    text = version1.message([octets, V4_OCTETS], 0)
    assert text == header(8 + 74 + 2 + 36, 2, 0) + octets + b"\0\0" + V4_OCTETS, "a record begins at 4 n"
    assert read(text) == [moved, V4]


@pytest.mark.parametrize(
    ("option", "taken"),
    [
        ("45 02 ffff", True),  # unknown, but marked as optional
        ("05 02 ffff", False),
        ("85 02 ffff", False),
        ("02 00", False),  # nothing in it
        ("02 09 61", False),  # longer than the record
        ("01 04 00000000", False),  # sequence numbers are 24 octets
        ("03 11 " + "61" * 17, False),  # names are up to 16
        ("02 01 61 02 01 61", False),
        ("02", False),
        ("03 01 ff", False),
    ],
)
def test_options_of_strangers(option: str, taken: bool) -> None:
    more = bytes.fromhex(option)
    record = V4_OCTETS[:2] + (36 + len(more)).to_bytes(2, "big") + V4_OCTETS[4:] + more
    text = header(8 + len(record), 1) + record
    if taken:
        assert read(text) == [V4]
        return
    with pytest.raises(PacketError, match="sync_option"):
        read(text)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (V4_OCTETS[:20], "sync_truncated"),
        (V4_OCTETS[:2] + b"\x00\x25" + V4_OCTETS[4:], "sync_truncated"),
        (V4_OCTETS[:2] + b"\x00\x20" + V4_OCTETS[4:], "sync_truncated"),
        (V4_OCTETS[:2] + b"\x10\x24" + V4_OCTETS[4:], "sync_record_version"),
        (b"\x01" + V4_OCTETS[1:], "sync_truncated"),
    ],
)
def test_what_cannot_be_read_ends_the_message(record: bytes, reason: str) -> None:
    text = header(8 + 36 + len(record), 2) + V4_OCTETS + record
    reading = version1.read(text)
    assert next(reading) == V4, "what came before counts"
    with pytest.raises(PacketError, match=reason):
        next(reading)


@given(st.binary(min_size=8, max_size=200))
def test_no_octets_do_harm(text: bytes) -> None:
    try:
        found = read(text)
    except PacketError:
        return
    assert len(found) == text[4]

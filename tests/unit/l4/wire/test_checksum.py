"""Sums against a second implementation (RFC 1071's own loop) and the vectors of RFCs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from director.l4.wire.checksum import (
    adjust,
    adjust_partial,
    checksum,
    crc32c,
    crc32c_change,
    delta,
    ones_sum,
    pseudo,
)


def slow_sum(data: bytes) -> int:
    """RFC 1071, section 4.1, word by word."""
    total = 0
    for index in range(0, len(data) - 1, 2):
        total += data[index] << 8 | data[index + 1]
    if len(data) % 2:
        total += data[-1] << 8
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def test_rfc1071_example() -> None:
    assert ones_sum(bytes.fromhex("0001f203f4f5f6f7")) == 0xDDF2


def test_rfc1624_example() -> None:
    """Section 4: HC 0xdd2f, m 0x5555, m' 0x3285 gives 0x0000, not 0xffff."""
    assert adjust(0xDD2F, delta(b"\x55\x55", b"\x32\x85")) == 0


@given(st.binary(max_size=64))
def test_sum_is_that_of_rfc1071(data: bytes) -> None:
    assert ones_sum(data) == slow_sum(data)


@given(st.binary(min_size=20, max_size=60), st.binary(min_size=8, max_size=8))
def test_adjusting_is_computing_anew(data: bytes, new: bytes) -> None:
    data = b"\x45" + data  # a header is never all zeros
    changed = data[:4] + new + data[12:]
    assert adjust(checksum(data), delta(data[4:12], new)) == checksum(changed)


@given(st.binary(min_size=8, max_size=8), st.binary(min_size=8, max_size=8), st.integers(8, 1480))
def test_partial_sum_follows_the_addresses(old: bytes, new: bytes, length: int) -> None:
    changed = adjust_partial(pseudo(old[:4], old[4:], 6, length), delta(old, new))
    assert changed % 0xFFFF == pseudo(new[:4], new[4:], 6, length) % 0xFFFF


@given(st.binary(min_size=4, max_size=4), st.binary(min_size=4, max_size=4), st.binary(max_size=60))
def test_crc32c_of_a_changed_message(old: bytes, new: bytes, behind: bytes) -> None:
    change = bytes(one ^ other for one, other in zip(old, new, strict=True))
    assert crc32c(old + behind) ^ crc32c_change(change, len(behind)) == crc32c(new + behind)


def test_crc32c_vectors() -> None:
    """RFC 3720 appendix B.4."""
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E
    assert crc32c(b"123456789") == 0xE3069283

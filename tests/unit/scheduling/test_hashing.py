"""The oracle of SipHash-1-3 is CPython itself, which hashes bytes with it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.scheduling.hashing import (
    MASK64,
    hash32,
    server_number,
    siphash13,
    table_bits,
    text_number,
)
from tests.unit.scheduling.fakes import Server

NUMBERS = (0, 1, 80, 0x0A000001, 0xC0000201, 0x7FFFFFFF, 0xFFFFFFFF)


def cpython_key(seed: int) -> tuple[int, int]:
    """What CPython makes of PYTHONHASHSEED: zero, or a linear congruential generator's bytes."""
    drawn, state = bytearray(), seed
    for _ in range(16):
        state = (state * 214013 + 2531011) & 0xFFFFFFFF
        drawn.append(state >> 16 & 0xFF)
    return (int.from_bytes(drawn[:8], "little"), int.from_bytes(drawn[8:], "little")) if seed else (0, 0)


@pytest.mark.skipif(sys.hash_info.algorithm != "siphash13", reason="this Python hashes bytes another way")
@pytest.mark.parametrize("seed", [0, 1, 42, 4294967295])
def test_siphash_is_that_of_cpython(seed: int) -> None:
    program = f"print(*(hash(n.to_bytes(4, 'little')) for n in {NUMBERS}))"
    environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
    answer = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    expected = [int(word) & MASK64 for word in answer.stdout.split()]
    assert [siphash13(number, *cpython_key(seed)) for number in NUMBERS] == expected


@pytest.mark.parametrize(
    ("number", "bits", "expected"),
    # By hand: 0x61C88647, twice and three times it modulo 2^32, upper byte; and all 32 bits.
    [(0, 8, 0), (1, 8, 0x61), (2, 8, 0xC3), (3, 8, 0x25), (1, 32, 0x61C88647), (1 << 32, 8, 0)],
)
def test_hash32_is_the_upper_part_of_a_product(number: int, bits: int, expected: int) -> None:
    assert hash32(number, bits) == expected


@given(st.integers(0, 2**33), st.integers(4, 20))
def test_hash32_fits(number: int, bits: int) -> None:
    assert 0 <= hash32(number, bits) < 1 << bits


@pytest.mark.parametrize(("count", "bits"), [(0, 8), (1, 8), (256, 8), (257, 9), (1000, 10), (10**7, 20)])
def test_tables_have_a_bucket_for_each_server(count: int, bits: int) -> None:
    assert table_bits(count) == bits


@given(st.text(st.characters(codec=None)))
def test_any_text_is_a_64_bit_number(text: str) -> None:
    assert 0 <= text_number(text) <= MASK64


def test_lone_surrogates_are_no_error() -> None:
    assert text_number("\ud800") != text_number("\udfff")


def test_a_named_server_has_a_number_of_its_own() -> None:
    a, b = Server("web-a"), Server("web-b")
    a.number = b.number = 0
    assert server_number(a) != server_number(b)
    b.number = 7
    assert server_number(b) == 7

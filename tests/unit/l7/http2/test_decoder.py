"""The decoder beside the library's: the same fields, the same tables, the same refusals."""

from __future__ import annotations

import contextlib

import pytest
from hpack import Decoder, Encoder, HPACKError, NeverIndexedHeaderTuple
from hpack.exceptions import OversizedHeaderListError
from hypothesis import given
from hypothesis import strategies as st

from director.l7.http2.decoder import FieldDecoder


def test_blocks_are_those_of_the_rfc() -> None:
    """RFC 7541 C.4: three requests on one connection, by Huffman's code."""
    decoder = FieldDecoder()
    first = [
        (b":method", b"GET"),
        (b":scheme", b"http"),
        (b":path", b"/"),
        (b":authority", b"www.example.com"),
    ]
    assert decoder.decode(bytes.fromhex("828684418cf1e3c2e5f23a6ba0ab90f4ff")) == first
    assert decoder.decode(bytes.fromhex("828684be5886a8eb10649cbf")) == [
        *first,
        (b"cache-control", b"no-cache"),
    ]
    assert decoder.decode(bytes.fromhex("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf")) == [
        (b":method", b"GET"), (b":scheme", b"https"), (b":path", b"/index.html"),
        (b":authority", b"www.example.com"), (b"custom-key", b"custom-value"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "block",
    [
        "80",
        "be",
        "ff",
        "ff80808080808080808080",
        "ff00",
        "40",
        "4003612d",
        "82203f",
        "823fe11f",
        "3fe21f",
        "00",
    ],
)
def test_what_is_no_block_is_refused(block: str) -> None:
    """Places of nothing, numbers without an end, cut strings, sizes in the wrong place or too large."""
    with pytest.raises(HPACKError):
        FieldDecoder().decode(bytes.fromhex(block))


def test_a_small_block_does_not_become_a_large_head() -> None:
    decoder = FieldDecoder(max_header_list_size=1000)
    with pytest.raises(OversizedHeaderListError):
        decoder.decode(b"\x82" * 30)


def test_secrets_stay_marked() -> None:
    found = list(FieldDecoder().decode(Encoder().encode([NeverIndexedHeaderTuple(b"authorization", b"x")])))
    assert not found[0].indexable


names = st.sampled_from([b":path", b"date", b"x-a", b"x-b", b"etag", b"cookie"])
blocks = st.lists(st.tuples(names, st.binary(max_size=60)), max_size=10)


@given(st.lists(st.one_of(blocks, st.binary(max_size=40)), max_size=12))
def test_it_reads_what_the_library_reads(steps: list[list[tuple[bytes, bytes]] | bytes]) -> None:
    """Blocks of its encoder, and junk between them, up to the first that is refused."""
    encoder, ours, theirs = Encoder(), FieldDecoder(), Decoder()
    for step in steps:
        block = step if isinstance(step, bytes) else encoder.encode(step)
        expected = found = None
        with contextlib.suppress(HPACKError):
            expected = list(theirs.decode(block, raw=True))
        with contextlib.suppress(HPACKError):
            found = list(ours.decode(block))
        assert found == expected
        assert ours.header_table.dynamic_entries == theirs.header_table.dynamic_entries
        if expected is None:
            return


def test_a_block_that_comes_again_means_what_the_table_says_now() -> None:
    """The same octets are other fields once another field is the newest (RFC 7541 2.3.3)."""
    decoder, newest = FieldDecoder(), b"\xbe"
    for value in (b"one", b"two"):
        decoder.decode(b"\x40\x01a" + bytes((len(value),)) + value)
        for _ in range(3):
            found = list(decoder.decode(newest))
            assert found == [(b"a", value)]
            found.clear()
    decoder.decode(b"\x20\x3f\xe1\x1f")  # sizes 0 and 4096: the table is empty
    with pytest.raises(HPACKError):
        decoder.decode(newest)

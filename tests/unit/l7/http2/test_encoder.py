"""The encoder against RFC 7541 and the library's decoder, which is another implementation."""

from __future__ import annotations

import pytest
from hpack import Decoder, NeverIndexedHeaderTuple
from hypothesis import given
from hypothesis import strategies as st

from director.l7.http2.encoder import UNIQUE, FieldEncoder, integer

Fields = list[tuple[bytes, bytes]]


@pytest.mark.parametrize(
    ("value", "bits", "octets"),
    [(10, 5, "0a"), (1337, 5, "1f9a0a"), (42, 8, "2a"), (31, 5, "1f00"), (30, 5, "1e"), (127, 7, "7f00")],
)
def test_numbers_are_those_of_the_rfc(value: int, bits: int, octets: str) -> None:
    """RFC 7541 C.1."""
    assert integer(value, bits, 0) == bytes.fromhex(octets)


def test_blocks_are_those_of_the_rfc() -> None:
    """RFC 7541 C.3: three requests on one connection, strings as they are."""
    encoder = FieldEncoder()
    first = [
        (b":method", b"GET"),
        (b":scheme", b"http"),
        (b":path", b"/"),
        (b":authority", b"www.example.com"),
    ]
    assert encoder.encode(first).hex() == "828684410f7777772e6578616d706c652e636f6d"
    assert encoder.encode([*first, (b"cache-control", b"no-cache")]).hex() == "828684be58086e6f2d6361636865"
    third = [
        (b":method", b"GET"), (b":scheme", b"https"), (b":path", b"/index.html"),
        (b":authority", b"www.example.com"), (b"custom-key", b"custom-value"),
    ]  # fmt: skip
    assert encoder.encode(third).hex() == "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565"


def test_a_table_that_is_full_forgets_the_oldest() -> None:
    """RFC 7541 C.5.1 and C.5.2, a table of 256 octets; `location` is none of those that come again."""
    encoder = FieldEncoder(256)
    fields = [
        (b":status", b"302"), (b"cache-control", b"private"), (b"date", b"Mon, 21 Oct 2013 20:13:21 GMT"),
        (b"x-location", b"https://www.example.com"),
    ]  # fmt: skip
    decoder = Decoder()
    decoder.header_table.maxsize = decoder.max_allowed_table_size = 256
    for status in (b"302", b"307", b"200", b"302"):
        fields[0] = (b":status", status)
        assert decoder.decode(encoder.encode(fields), raw=True) == fields
    assert encoder._size <= 256


@pytest.mark.parametrize("name", sorted(UNIQUE))
def test_what_does_not_come_again_takes_nobody_s_place(name: bytes) -> None:
    encoder = FieldEncoder()
    encoder.encode([(name, b"%d" % number) for number in range(50)])
    assert encoder._size == 0


def test_secrets_are_kept_out_of_every_table() -> None:
    """RFC 7541 7.1.3: also out of those of proxies behind us."""
    encoder, decoder = FieldEncoder(), Decoder()
    secret = NeverIndexedHeaderTuple(b"authorization", b"Bearer x")
    for _ in range(2):
        found = decoder.decode(encoder.encode([secret]), raw=True)
        assert found == [secret]
        assert not found[0].indexable
    assert encoder._size == 0


def test_an_entry_larger_than_the_table_empties_it() -> None:
    """RFC 7541 4.4."""
    encoder, decoder = FieldEncoder(100), Decoder()
    decoder.header_table.maxsize = decoder.max_allowed_table_size = 100
    for fields in ([(b"a", b"b")], [(b"large", b"x" * 200)], [(b"a", b"b")], [(b"a", b"b")]):
        assert decoder.decode(encoder.encode(fields), raw=True) == fields


names = st.sampled_from([b"date", b"server", b"x-a", b"x-b", b"etag", b":status", b"content-type"])
values = st.one_of(st.sampled_from([b"200", b"text/html", b"", b"a"]), st.binary(max_size=200))
lists = st.lists(st.tuples(names, values), max_size=12)


@given(
    st.lists(st.one_of(lists, st.sampled_from([0, 40, 100, 300, 4096])), max_size=30),
    st.sampled_from([0, 64, 256, 4096]),
)
def test_a_peer_reads_what_was_written(steps: list[Fields | int], limit: int) -> None:
    """Whatever comes again, however often the size of the table changes."""
    encoder, decoder = FieldEncoder(limit), Decoder()
    decoder.max_allowed_table_size = 4096
    decoder.header_table.maxsize = limit
    for step in steps:
        if isinstance(step, int):
            encoder.header_table_size = step
        else:
            same = tuple(step)
            assert decoder.decode(encoder.encode(same), raw=True) == step
            assert decoder.decode(encoder.encode(same), raw=True) == step
            assert encoder._size <= encoder.header_table_size


def test_a_new_size_is_told_once_and_the_least_of_several_first() -> None:
    """RFC 7541 4.2."""
    encoder = FieldEncoder()
    encoder.header_table_size = 0
    encoder.header_table_size = 1000
    assert encoder.encode([(b":status", b"200")]).hex() == "20" + integer(1000, 5, 0x20).hex() + "88"
    assert encoder.encode([(b":status", b"200")]).hex() == "88"
    encoder.header_table_size = 1000
    assert encoder.encode([(b":status", b"200")]).hex() == "88"


def test_the_same_fields_again_are_written_by_the_table_of_now() -> None:
    """A peer reads them right whatever was entered between, or thrown away."""
    encoder, decoder = FieldEncoder(200), Decoder()
    decoder.header_table.maxsize = 200
    fields = ((b":status", b"200"), (b"server", b"a"), (b"etag", b"x"))
    between = [(b"other", b"%d" % number) for number in range(12)]
    for step in range(12):
        for _ in range(3):
            assert tuple(decoder.decode(encoder.encode(fields), raw=True)) == fields
        if step == 6:
            encoder.header_table_size = 0
        assert decoder.decode(encoder.encode([between[step]]), raw=True) == [between[step]]


def test_an_entry_too_large_for_the_table_is_a_change_of_it() -> None:
    """RFC 7541 4.4: what stood in it is named no more."""
    encoder, decoder = FieldEncoder(200), Decoder()
    decoder.header_table.maxsize = 200
    fields = ((b"server", b"a"), (b"large", b"x" * 300))
    for _ in range(4):
        assert tuple(decoder.decode(encoder.encode(fields), raw=True)) == fields

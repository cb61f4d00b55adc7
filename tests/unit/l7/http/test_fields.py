from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.errors import MessageError
from director.l7.http.fields import CHUNKED, FieldBlock, body_length, keeps_alive, list_elements, without
from director.l7.http.grammar import REQUEST_FIELDS


def block(*lines: bytes) -> FieldBlock:
    return FieldBlock(b"".join(line + b"\r\n" for line in lines), REQUEST_FIELDS)


def test_fields_a_proxy_understands() -> None:
    found = block(b"HOST:\t a \t", b"X: 1", b"via: b", b"X-Via: no", b"Via:c")
    assert found.fields == {b"host": b"a", b"via": b"b, c"}
    assert found.values(b"x") == [b"1"]
    assert found.values(b"via") == [b"b", b"c"]
    assert found.values(b"none") == []


@pytest.mark.parametrize("name", [b"Host", b"Content-Length", b"Transfer-Encoding", b"Max-Forwards"])
def test_what_may_come_once(name: bytes) -> None:
    with pytest.raises(MessageError, match="repeated"):
        block(name + b": 1", name.lower() + b": 1")


def test_kept_lines() -> None:
    found = block(b"A: 1", b"Connection: b, C", b"B: 2", b"c: 3", b"TE: x", b"Via: 4", b"D: 5")
    assert found.kept() == b"A: 1\r\nVia: 4\r\nD: 5\r\n"
    assert found.kept(frozenset((b"via", b"d"))) == b"A: 1\r\nD: 5\r\n"
    assert found.kept() == b"A: 1\r\nVia: 4\r\nD: 5\r\n"
    assert found.less(b"b") == found.text.replace(b"B: 2\r\n", b"")


def test_twins_of_framing_and_trust_stay_here() -> None:
    """RFC 3875 4.1.18: to a CGI script, X_Forwarded-For is HTTP_X_FORWARDED_FOR as well."""
    lines = [
        b"Content_Length: 1", b"Transfer_Encoding: x", b"X_Forwarded_For: 1", b"X-Forwarded_For: 1",
        b"X_Forwarded-Host: h", b"x_forwarded_proto: https", b"X_Request_Id: 1", b"X-Request_Id: 1",
    ]  # fmt: skip
    found = block(b"X-Forwarded-For: 1", *lines, b"X_Other: 1")
    assert found.kept() == b"X-Forwarded-For: 1\r\nX_Other: 1\r\n"
    assert b"content-length" not in found.fields


def test_a_field_goes_with_its_twins() -> None:
    found = block(b"X-User: a", b"X_User: b", b"x-user-id: c", b"XUser: d")
    assert found.less(b"x-user") == b"x-user-id: c\r\nXUser: d\r\n"
    assert found.less(b"x_user") == b"x-user-id: c\r\nXUser: d\r\n"


NAMES = st.sampled_from([b"A", b"a", b"Ab", b"Via", b"TE", b"Host-X"])
LINES = st.lists(st.tuples(NAMES, st.sampled_from([b"", b" ", b" a: b", b"x ", b"via:"])), max_size=7)


@given(LINES, NAMES)
def test_spans_and_values_against_a_plain_loop(lines: list[tuple[bytes, bytes]], name: bytes) -> None:
    found = block(*(key + b":" + value for key, value in lines))
    wanted = [value.strip(b" ") for key, value in lines if key.lower() == name.lower()]
    assert found.values(name.lower()) == wanted
    rest = [key + b":" + value + b"\r\n" for key, value in lines if key.lower() != name.lower()]
    assert found.less(name.lower()) == b"".join(rest)


@given(st.binary(max_size=20), st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=4))
def test_without_against_a_plain_loop(text: bytes, spans: list[tuple[int, int]]) -> None:
    spans = [(min(span), max(span)) for span in spans]
    kept = [octet for at, octet in enumerate(text) if not any(start <= at < end for start, end in spans)]
    assert without(text, spans) == bytes(kept)


def test_elements_of_a_list() -> None:
    """RFC 9110 5.6.1: empty elements count for nothing."""
    assert list_elements(b" Close ,,\tX-A,") == {b"close", b"x-a"}
    assert list_elements(b"") == set()


@pytest.mark.parametrize(
    ("value", "minor", "keeps"),
    [
        (None, 1, True),
        (None, 0, False),
        (b"close", 1, False),
        (b"keep-alive", 0, True),
        (b"keep-alive, close", 0, False),
    ],
)
def test_keeps_alive(value: bytes | None, minor: int, *, keeps: bool) -> None:
    assert keeps_alive({} if value is None else {b"connection": value}, minor) is keeps


@pytest.mark.parametrize(
    ("length", "coding", "minor", "expected"),
    [
        # RFC 9112 6.3
        (None, None, 1, None),
        (b"0", None, 1, 0),
        (b"007", None, 0, 7),
        (b"999999999999999999", None, 1, 999999999999999999),
        (None, b"chunked", 1, CHUNKED),
        (None, b"CHUNKED", 1, CHUNKED),
    ],
)
def test_lengths(length: bytes | None, coding: bytes | None, minor: int, expected: int | None) -> None:
    fields = {b"content-length": length, b"transfer-encoding": coding}
    assert (
        body_length({name: value for name, value in fields.items() if value is not None}, minor) == expected
    )


@pytest.mark.parametrize(
    ("length", "coding", "minor", "status"),
    [
        (b"1", b"chunked", 1, 400),
        (None, b"chunked", 0, 400),
        (None, b"", 1, 400),
        (None, b"chunked,", 1, 400),
        (None, b"x y", 1, 400),
        (None, b"gzip", 1, 501),
        (None, b"chunked, chunked", 1, 501),
        (None, b"gzip ,\tchunked", 1, 501),
        (b"", None, 1, 400),
        (b"-1", None, 1, 400),
        (b"1_0", None, 1, 400),
        (b"1 0", None, 1, 400),
        (b"\xb2", None, 1, 400),
        (b"1" * 19, None, 1, 413),
    ],
)
def test_refused_lengths(length: bytes | None, coding: bytes | None, minor: int, status: int) -> None:
    fields = {b"content-length": length, b"transfer-encoding": coding}
    with pytest.raises(MessageError) as caught:
        body_length({name: value for name, value in fields.items() if value is not None}, minor)
    assert caught.value.status == status

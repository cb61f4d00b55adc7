from __future__ import annotations

import re
import string

import pytest

from director.l7.http import grammar

OCTETS = [bytes((number,)) for number in range(256)]
# RFC 9110 5.6.2
TCHAR = set("!#$%&'*+-.^_`|~" + string.digits + string.ascii_letters)


def accepted(pattern: bytes) -> set[str]:
    return {octet.decode("latin-1") for octet in OCTETS if re.fullmatch(pattern, octet)}


def test_tokens_are_those_of_the_rfc() -> None:
    assert accepted(grammar.TOKEN) == TCHAR


def test_values_have_no_controls_but_tab() -> None:
    """RFC 9110 5.5."""
    assert accepted(grammar.VALUE) == {chr(n) for n in range(256) if n == 9 or (n >= 32 and n != 127)}


def test_paths_and_queries() -> None:
    """RFC 3986 3.3 and 3.4, and what browsers leave unencoded (WHATWG URL: the percent-encode sets)."""
    pchar = set("-._~!$&'()*+,;=:@%/" + string.digits + string.ascii_letters)
    assert accepted(grammar.PATH) == pchar | set("[]|^")
    assert accepted(grammar.QUERY) == pchar | set('?[]{}|^`\\"')


@pytest.mark.parametrize(
    ("line", "good"),
    [
        (b"A: 1\r\n", True), (b"A:\r\n", True), (b"A:1 \r\n", True), (b"A: \xff\r\n", True),
        (b"A : 1\r\n", False),
        (b": 1\r\n", False), (b" A: 1\r\n", False), (b"A\r\n", False), (b"A: 1\n", False),
        (b"A: 1\r\r\n", False),
        (b"A: \x00\r\n", False), (b"A: 1\r\nB: 2\r\n", False),
    ],
)  # fmt: skip
def test_field_lines(line: bytes, *, good: bool) -> None:
    assert bool(grammar.FIELD_LINE.fullmatch(line)) is good


@pytest.mark.parametrize("pattern", [grammar.REQUEST_FIELDS, grammar.RESPONSE_FIELDS])
def test_fields_of_interest_are_whole_names(pattern: re.Pattern[bytes]) -> None:
    block = b"\nx-connection: 1\r\nconnection: 2\r\nconnection-x: 3\r\nx: connection: 4\r\n"
    assert [found[0] for found in pattern.finditer(block)] == [b"\nconnection: 2\r"]
    assert not grammar.NONE_OF_INTEREST.search(block)


def test_every_pattern_is_possessive_where_it_repeats() -> None:
    """A greedy or lazy repeat of a class can backtrack; bounded ones cannot for long."""
    for name, pattern in vars(grammar).items():
        if isinstance(pattern, re.Pattern):
            bare = re.sub(rb"\[(?:\\.|[^\]])*\]|\\.", b"C", pattern.pattern)
            repeats = re.findall(rb"(?:[*+?]|\{[0-9,]+\})(?![+*?])", re.sub(rb"\(\?[:!P<=]*", b"(", bare))
            loose = [each for each in repeats if each in {b"*", b"+"}]
            left = re.sub(rb"[*+?][+]|\}\+", b"", re.sub(rb"\(\?[:!P<=]*", b"(", bare))
            assert not re.search(rb"[*+]", left), (name, loose)

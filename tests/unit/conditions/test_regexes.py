from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.conditions.regexes import nested_repeat, regex
from director.config.text.messages import BadValue
from tests.unit.config.reading import refuses_at_a_place


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("(a+)+", 4),
        ("(a*)*", 4),
        ("((a+)b)*", 7),
        ("(?:a|b+){2,}", 8),
        ("(?P<x>[^/]+)+$", 12),
        ("(a+)?+", None),
        ("^(([a-z])+.)+", 12),
        ("(?i:a+)+", 7),
        ("x(a{1,})+", 8),
    ],
)
def test_repeats_within_repeats(text: str, at: int | None) -> None:
    assert nested_repeat(text) == at


@pytest.mark.parametrize(
    "text",
    [
        "a+b+",
        "(a+)b+",
        "(ab)+",
        r"(\+)+",
        "([+*])+",
        "([]+])+",
        "(a+)",
        "(a++)+",
        "(?>a+)+",
        "(a{1,3})+",
        "^/u/([^/]+)/",
        "(?=a+)b",
    ],
)
def test_plain_repeats(text: str) -> None:
    assert nested_repeat(text) is None


@given(st.text(alphabet="ab()[]+*?{},1\\:^|", max_size=20))
def test_looking_never_fails(text: str) -> None:
    at = nested_repeat(text)
    assert at is None or 0 <= at < len(text)
    refuses_at_a_place(regex, text)


def test_bounds() -> None:
    with pytest.raises(BadValue, match="longer than 1000"):
        regex("a" * 1001)
    with pytest.raises(BadValue, match=r"too large|regular"):
        regex("(" * 900)


def test_folding() -> None:
    assert regex("abc", fold=True).search("xABC")
    assert not regex("abc").search("ABC")

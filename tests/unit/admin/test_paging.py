"""Long lists by pages: every thing once and in order, whatever the pages' size."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.admin.answers import Headers, Refusal
from director.admin.paging import LARGEST, following, page, whole

PLACE = "/api/v1/pools"


def led(headers: Headers) -> dict[str, str] | None:
    """The query of the next page, as a client reads it (RFC 8288 3)."""
    if not headers:
        return None
    ((name, value),) = headers
    found = re.fullmatch(r'<([^>]*)>; rel="next"', value)
    assert name == "Link"
    assert found
    assert urlsplit(found[1]).path == PLACE
    return dict(parse_qsl(urlsplit(found[1]).query))


@given(st.lists(st.text("abcé &=%#", min_size=1), max_size=30, unique=True), st.integers(1, 7))
def test_pages_have_all_of_it_once(names: list[str], size: int) -> None:
    query: dict[str, str] | None = {"limit": str(size)}
    found: list[str] = []
    while query is not None:
        shown, headers = page(query, PLACE, names, str)
        assert len(shown) == size or not headers
        found += shown
        query = led(headers)
    assert found == names


def test_without_a_limit_there_is_one_page() -> None:
    names = [str(one) for one in range(LARGEST + 5)]
    assert page({}, PLACE, names, str) == (names, ())
    assert page({"after": "9"}, PLACE, names, str) == (names[10:], ())


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "1001"}, {"limit": "x"}, {"after": "gone"}])
def test_what_is_no_page_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(Refusal) as refused:
        page(query, PLACE, ["a"], str)
    assert (refused.value.status, refused.value.at) == (400, next(iter(query)))


def test_the_other_parameters_stay() -> None:
    headers = following({"limit": "2", "pool": "a b"}, PLACE, "x&y")
    assert led(headers) == {"limit": "2", "pool": "a b", "after": "x&y"}


@pytest.mark.parametrize(("text", "number"), [("7", 7), ("0", 0), (None, 3)])
def test_a_whole_number(text: str | None, number: int) -> None:
    query = {} if text is None else {"n": text}
    assert whole(query, "n", 0, 9, 3) == number

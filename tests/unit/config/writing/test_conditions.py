"""Conditions as text: what is written is read as the same condition."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.config.parse.expressions import parse_condition
from director.config.writing.conditions import condition
from director.model.conditions import And, Condition, Not, Or, Term

WORDS = st.text(st.characters(codec="ascii", min_codepoint=32, max_codepoint=126), min_size=1, max_size=12)
TERMS: st.SearchStrategy[Condition] = st.one_of(
    st.builds(lambda text: Term("header", "x-a", "=", (text.strip() or "x",)), WORDS),
    st.builds(lambda texts: Term("query", "a", "in", tuple(texts)), st.lists(WORDS, min_size=1, max_size=3)),
    st.builds(lambda name: Term("query", name, "exists"), WORDS),
    st.just(Term("path", "", "~", (r"^/users/([^/]+)/\(x\)",))),
    st.just(Term("host", "", "in", ("a.example", "*.b.example"))),
)
CONDITIONS = st.recursive(
    TERMS,
    lambda part: st.one_of(
        part.map(Not),
        st.lists(part, min_size=2, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(part, min_size=2, max_size=3).map(lambda parts: Or(tuple(parts))),
    ),
    max_leaves=8,
)


def test_conditions_are_written_as_an_operator_would() -> None:
    hosts = Or((Term("host", "", "in", ("a", "b")), Term("cookie", "sid", "exists")))
    part = And((hosts, Not(Term("method", "", "=", ("POST",)))))
    assert condition(part) == "(host in a b or cookie sid exists) and not method = POST"


@pytest.mark.parametrize("text", ['query "a b" = c', 'header x-a = "and"', "not not path = /x"])
def test_quotes_stand_where_they_are_needed(text: str) -> None:
    assert condition(parse_condition(text)) == text


@given(CONDITIONS)
def test_what_is_written_reads_back(part: Condition) -> None:
    assert parse_condition(condition(part)) == part

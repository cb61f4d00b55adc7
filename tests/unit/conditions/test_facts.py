"""The refusals of values stand with their columns in test_expressions."""

from __future__ import annotations

import pytest

from director.conditions.facts import NAMED, PLAIN, check_operator, check_value
from director.config.text.messages import BadValue


def test_facts_are_plain_or_named() -> None:
    assert not PLAIN & NAMED


@pytest.mark.parametrize(
    ("fact", "operator", "value", "expected"),
    [
        ("host", "=", "WWW.Example.org.", "www.example.org"),
        ("host", "in", "*.Example.org", "*.example.org"),
        ("host", "$=", ".ORG", ".org"),
        ("host", "=", "[0:0::1]", "[::1]"),
        ("host", "in", "[2001:DB8::0]", "[2001:db8::]"),
        ("client", "in", "2001:DB8::/32", "2001:db8::/32"),
        ("version", "=", "http/1.1", "1.1"),
        ("path", "=", "*", "*"),
        ("header", "=", "Any Thing", "Any Thing"),
        ("path", "*=", "x", "x"),
    ],
)
def test_values_take_the_spelling_of_requests(fact: str, operator: str, value: str, expected: str) -> None:
    assert check_value(fact, operator, value, 0) == expected


@pytest.mark.parametrize("fact", sorted(PLAIN - {"host", "sni"}))
def test_what_every_request_has_need_not_exist(fact: str) -> None:
    with pytest.raises(BadValue):
        check_operator(fact, "exists", 0)

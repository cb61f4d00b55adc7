"""That nothing is concluded wrongly is shown by brute force in test_conditions."""

from __future__ import annotations

import pytest

from director.conditions.shadowing import clauses_of, hidden, implies
from director.config.parse.expressions import parse_condition
from director.model.http import Rule


def rule(number: int, when: str) -> Rule:
    return Rule(number, "t", "www", parse_condition(when) if when else None, pool="p")


@pytest.mark.parametrize(
    ("later", "earlier"),
    [
        ("host = a.b", ""),
        ("", ""),
        ("host = a.b", "host in *.b"),
        ("host in *.a.b", "host in *.b"),
        ("host in a b", "host = a or host = b"),
        ("path = /a/b", "path ^= /a"),
        ("path ^= /a/b", "path ^= /a"),
        ("path ^= /a and method = GET", "path ^= /a"),
        ("path = /x.png", r"path ~ \.png$"),
        ("client = 10.1.1.1", "client in 10.0.0.0/8"),
        ("header x = 1", "header x exists"),
        ("host = a", "not host = b"),
        ("not path ^= /a", "not path = /a/b"),
        ("(path = /a or path = /b) and host = x", "host in x y and path ^= /"),
    ],
)
def test_what_hides(later: str, earlier: str) -> None:
    one, two = rule(1, earlier), rule(2, later)
    assert hidden([one, two]) == [(two, one)]


@pytest.mark.parametrize(
    ("later", "earlier"),
    [
        ("", "host = a"),
        ("host in *.b", "host = a.b"),
        ("path ^= /a", "path ^= /a/b"),
        ("path = /a", "not path = /b"),  # the other reading of the path may be /b
        ("path ~ ^/a", "path ^= /a"),
        ("client in 10.0.0.0/8", "client = 10.1.1.1"),
        ("header x = 1", "header y exists"),
        ("host = a or host = b", "host = a"),
    ],
)
def test_what_does_not(later: str, earlier: str) -> None:
    assert hidden([rule(1, earlier), rule(2, later)]) == []


def test_a_rule_is_hidden_by_the_first_that_does() -> None:
    rules = [rule(1, "path = /z"), rule(2, "path ^= /a"), rule(3, "path ^= /a/b"), rule(4, "path = /a/b/c")]
    assert hidden(rules) == [(rules[2], rules[1]), (rules[3], rules[1])]


def test_a_condition_with_too_many_clauses_is_left_out() -> None:
    text = " and ".join("(host = a or host = b)" for _ in range(10))
    assert clauses_of(parse_condition(text)) is None
    assert not implies(parse_condition(text), parse_condition("host in a b"))
    assert hidden([rule(1, ""), rule(2, text)]) == []


def test_a_thousand_rules_are_compared_in_bounded_steps() -> None:
    rules = [rule(number, f"host = h{number} and path ^= /a") for number in range(1, 1001)]
    assert hidden(rules) == []
    assert [r.number for r, _ in hidden([*rules, rule(1001, "host = h7 and path = /a")])] == [1001]

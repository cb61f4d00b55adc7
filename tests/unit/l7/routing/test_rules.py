from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from director.conditions.compile import NO_GROUPS
from director.config.parse.expressions import parse_condition
from director.l7.routing.rules import compile_rules, decide
from director.model.http import Rule
from director.registry.counters import Requests
from tests.support.heads import facts

COUNTERS: defaultdict[str, Requests] = defaultdict(Requests)


def rule(number: int, when: str = "", **settings: Any) -> Rule:
    return Rule(number, f"r{number}", "www", when=parse_condition(when) if when else None, **settings)


def test_rules_are_tried_by_number_and_the_first_wins() -> None:
    rules = compile_rules(
        [rule(300), rule(100, "path ^= /images/"), rule(200, "path ^= /")], COUNTERS.__getitem__
    )
    assert [compiled.name for compiled in rules] == ["100 r100", "200 r200", "300 r300"]
    assert [compiled.counters is COUNTERS[compiled.name] for compiled in rules] == [True] * 3
    for target, number in ((b"/images/a", 100), (b"/images", 200)):
        found = decide(rules, facts(target=target))
        assert found is not None
        assert found.rule.number == number


def test_no_rule() -> None:
    found = facts()
    assert decide(compile_rules([rule(1, "path = /x")], COUNTERS.__getitem__), found) is None
    assert found.groups is NO_GROUPS
    assert found.hash_key is None


@pytest.mark.parametrize(
    "target",
    [b"/denied/x", b"//denied/x", b"/./denied/x", b"/x/../denied/x", b"/%64enied/x", b"/%2fdenied/x",
     b"/denied%2fx",
     b"/x/%2e%2e/denied/x", b"/;a/denied/x", b"/%5cdenied/x", b"/denied//x", b"http://a.example/denied/x"],
)  # fmt: skip
def test_no_spelling_slips_past_a_rule(target: bytes) -> None:
    rules = compile_rules([rule(1, "path ^= /denied/", respond="")], COUNTERS.__getitem__)
    assert decide(rules, facts(target=target)) is not None


@pytest.mark.parametrize(
    ("expression", "key"),
    [
        ("path.1", "u7"), ("path", "/users/u7/x"), ("host", "a.example"), ("client", "192.0.2.7"),
        ("header X-Key", "k"),
        ("cookie sid", "c"), ("query q", "v"), ("header X-None", None), ("path.2", None), ("nonsense", None),
        ("x y", None),
    ],
)  # fmt: skip
def test_hash_keys(expression: str, key: str | None) -> None:
    rules = compile_rules([rule(1, "path ~ ^/users/([^/]+)/", hash=expression)], COUNTERS.__getitem__)
    found = facts(b"X-Key: k", b"Cookie: sid=c", target=b"/users/u7/x?q=v")
    assert decide(rules, found) is rules[0]
    assert found.hash_key == key
    assert found.group(1) == "u7"

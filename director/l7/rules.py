"""Rules of one service, compiled: the first whose condition holds decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from director.counters import Requests
    from director.l7.facts import Groups, RequestFacts
    from director.model import Condition, Rule

Matcher = "Callable[[RequestFacts], Groups | None]"


class CompiledRule:
    """One rule with its condition compiled; `counters` outlive reloads."""

    __slots__ = ("counters", "hash_group", "match", "name", "pool", "rule")

    def __init__(self, rule: Rule, match: Callable[[Any], Groups | None], counters: Requests) -> None:
        self.rule = rule
        self.name = rule.name
        self.pool = rule.pool
        self.match = match
        self.counters = counters
        self.hash_group = rule.hash


def compile_rules(
    rules: Iterable[Rule],
    compile_condition: Callable[[Condition], Callable[[Any], Groups | None]],
    counters: Callable[[str], Requests],
) -> tuple[CompiledRule, ...]:
    """Rules by number, each ready to match."""
    return tuple(
        CompiledRule(rule, _always if rule.when is None else compile_condition(rule.when), counters(rule.name))
        for rule in sorted(rules, key=lambda rule: rule.number)
    )


def _always(facts: object) -> Groups | None:
    return ()


def decide(rules: tuple[CompiledRule, ...], facts: RequestFacts) -> CompiledRule | None:
    """The rule that claims the request; its captured groups are left in `facts`."""
    for compiled in rules:
        groups = compiled.match(facts)
        if groups is not None:
            facts.groups = groups
            if compiled.hash_group:
                facts.hash_key = _hash_key(compiled.hash_group, facts)
            return compiled
    return None


def _hash_key(expression: str, facts: RequestFacts) -> str | None:
    """The value `hash =` names: `path.1` (or any `FACT.N`) a captured group, else a fact or `header NAME` …"""
    fact, dot, number = expression.partition(".")
    if dot and number.isdigit():
        return facts.group(int(number))
    word, _, name = expression.partition(" ")
    if name:
        reader = {"header": facts.header, "cookie": facts.cookie, "query": facts.query}.get(word)
        return reader(name.lower() if word == "header" else name) if reader else None
    value = getattr(facts, fact, None)
    return value if isinstance(value, str) else None

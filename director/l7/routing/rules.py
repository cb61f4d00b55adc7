"""Rules of one service, compiled: the first whose condition holds decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from director.conditions.compile import compile_condition
from director.l7.http.fields import FieldBlock, canonical
from director.l7.http.grammar import NONE_OF_INTEREST
from director.model.conditions import terms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from director.conditions.compile import Groups
    from director.l7.routing.facts import RequestFacts
    from director.model.http import Rule
    from director.registry.counters import Requests


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


def compile_rules(rules: Iterable[Rule], counters: Callable[[str], Requests]) -> tuple[CompiledRule, ...]:
    """Rules by number, each ready to match; `counters` gives a rule's counters by its name."""
    return tuple(
        CompiledRule(rule, compile_condition(rule.when), counters(rule.name))
        for rule in sorted(rules, key=lambda rule: rule.number)
    )


class FieldNames:
    """The names of header fields that the rules of a service speak of.

    To a CGI-like server `X_Role` and `X-Role` are one field (RFC 3875 4.1.18).  What differs from a name in
    use only by these does not pass, nor does any of them pass behind a body, where no rule has seen it.
    """

    __slots__ = ("_always", "_spellings", "canonical")

    def __init__(self, rules: Iterable[Rule]) -> None:
        names: set[str] = set()
        for rule in rules:
            names.update(term.name for term in terms(rule.when) if term.fact == "header")
            names.update(edit.name.lower() for edit in rule.headers)
            word, _, name = rule.hash.partition(" ")
            names |= {name.lower()} if word == "header" else set()
        self._spellings = frozenset(name.encode("latin-1", "replace") for name in names)
        self.canonical = frozenset(map(canonical, self._spellings))
        self._always = any(b"_" in name for name in self._spellings)

    def less_twins(self, block: bytes) -> bytes:
        """Field lines less those whose name is a name in use, spelled as nobody uses it."""
        if not self.canonical or not (self._always or b"_" in block):
            return block
        return FieldBlock(block, NONE_OF_INTEREST).less_twins(self._spellings, self.canonical)


def decide(rules: tuple[CompiledRule, ...], facts: RequestFacts) -> CompiledRule | None:
    """The rule that claims the request; its captured groups are left in `facts`."""
    for compiled in rules:
        match = compiled.match
        groups = match(facts)
        if groups is not None:
            facts.groups = groups
            if compiled.hash_group:
                facts.hash_key = _hash_key(compiled.hash_group, facts)
            return compiled
    return None


def _hash_key(expression: str, facts: RequestFacts) -> str | None:
    """The value that `hash =` names: a captured group (`path.1`), a fact, or `header NAME` and its like."""
    word, _, name = expression.partition(" ")
    if name:
        reader = {"header": facts.header, "cookie": facts.cookie, "query": facts.query}.get(word)
        return reader(name.lower() if word == "header" else name) if reader else None
    if expression in facts.groups:
        return facts.groups[expression]
    value = getattr(facts, expression, None)
    return value if isinstance(value, str) else None

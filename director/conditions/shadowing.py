"""Rules that can never match because an earlier one claims all their requests.

A condition is taken apart into a few *clauses* (all literals hold) of which one holds.  An earlier
rule hides a later one when each clause of the later one implies some clause of the earlier one,
that is, when each literal there follows from a literal here.  This finds only what follows term by
term and keeps silent otherwise, so a warning is never wrong.  A path has several readings, a cookie or a
query parameter may come twice, and a term holds when any value meets it: so nothing is concluded from
two such terms together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from attrs import frozen

from director.caches import remember
from director.conditions.facts import FOLDED, MANIFOLD, NAMED, expression
from director.config.parse.addresses import network
from director.model.conditions import And, Condition, Not, Term
from director.model.http import Rule

_MOST_CLAUSES = 64
"""A condition with more is left out of the search, as the later rule as well as the earlier one."""

_MOST_STEPS = 300_000
"""Pairs of clauses compared for one service; beyond it the search ends."""


@frozen
class Literal:
    """A term with one value, or its opposite."""

    fact: str
    name: str
    operator: str
    value: str
    positive: bool = True


Clause = tuple[Literal, ...]


def hidden(rules: Sequence[Rule]) -> list[tuple[Rule, Rule]]:
    """(hidden rule, rule that hides it) among the rules of one service, given in order of number."""
    found: list[tuple[Rule, Rule]] = []
    earlier = _Index()
    for rule in rules:
        clauses = clauses_of(rule.when)
        if clauses is None:
            continue
        by = earlier.hider(clauses)
        if by is not None:
            found.append((rule, by))
        else:
            earlier.add(rule, clauses)
    return found


def implies(later: Condition | None, earlier: Condition | None) -> bool:
    """True when every request that meets `later` surely meets `earlier`; False = not known."""
    whole, part = clauses_of(earlier), clauses_of(later)
    if whole is None or part is None:
        return False
    return all(any(follows(one, other) for other in whole) for one in part)


class _Index:
    """The clauses of earlier rules, found by the literal that is hardest to meet."""

    def __init__(self) -> None:
        self.exact: dict[Literal, list[tuple[int, Clause]]] = {}
        self.others: list[tuple[int, Clause]] = []
        self.rules: list[Rule] = []
        self.steps = 0

    def add(self, rule: Rule, clauses: Iterable[Clause]) -> None:
        number = len(self.rules)
        self.rules.append(rule)
        for clause in clauses:
            equal = [literal for literal in clause if literal.positive and literal.operator == "="]
            if equal:
                hardest = max(equal, key=lambda literal: len(literal.value))
                self.exact.setdefault(hardest, []).append((number, clause))
            else:
                self.others.append((number, clause))

    def hider(self, clauses: Sequence[Clause]) -> Rule | None:
        """The first rule all of whose requests include those of `clauses`."""
        common: set[int] | None = None
        for clause in clauses:
            numbers = self.claimed(clause)
            common = numbers if common is None else common & numbers
            if not common:
                return None
        return self.rules[min(common)] if common else None

    def claimed(self, clause: Clause) -> set[int]:
        """Numbers of rules with a clause that follows from `clause`."""
        candidates = [entry for literal in clause for entry in self.exact.get(literal, ())]
        candidates += self.others
        self.steps += len(candidates)
        if self.steps > _MOST_STEPS:
            return set()
        return {number for number, other in candidates if follows(clause, other)}


def follows(clause: Clause, other: Clause) -> bool:
    """True when all literals of `other` follow from those of `clause`."""
    return all(any(_follows(one, wanted) for one in clause) for wanted in other)


# --- clauses -------------------------------------------------------------------------------


def clauses_of(condition: Condition | None) -> tuple[Clause, ...] | None:
    """The clauses of a condition (one empty clause for None), or None when there are too many."""
    return ((),) if condition is None else _clauses(condition, positive=True)


def _clauses(condition: Condition, *, positive: bool) -> tuple[Clause, ...] | None:
    if isinstance(condition, Not):
        return _clauses(condition.part, positive=not positive)
    if isinstance(condition, Term):
        found = _literals(condition, positive=positive)
        clauses = tuple((literal,) for literal in found) if positive else (found,)
        return clauses if len(clauses) <= _MOST_CLAUSES else None
    parts = [_clauses(part, positive=positive) for part in condition.parts]
    return _product(parts) if isinstance(condition, And) == positive else _sum(parts)


def _sum(parts: Iterable[tuple[Clause, ...] | None]) -> tuple[Clause, ...] | None:
    found: tuple[Clause, ...] = ()
    for part in parts:
        if part is None or len(found) + len(part) > _MOST_CLAUSES:
            return None
        found += part
    return found


def _product(parts: Iterable[tuple[Clause, ...] | None]) -> tuple[Clause, ...] | None:
    found: tuple[Clause, ...] = ((),)
    for part in parts:
        if part is None or len(found) * len(part) > _MOST_CLAUSES:
            return None
        found = tuple(left + right for left in found for right in part)
    return found


def _literals(term: Term, *, positive: bool) -> tuple[Literal, ...]:
    """One literal for each value; `in` becomes `=`, or `in` itself for wildcards and networks."""
    found = []
    for value in term.values or ("",):
        operator = term.operator
        if term.fact == "client":
            operator = "in"
        elif operator == "in" and not (term.fact in FOLDED and value.startswith("*.")):
            operator = "="
        found.append(Literal(term.fact, term.name, operator, value, positive))
    return tuple(found)


# --- one literal from another ----------------------------------------------------------------


@remember("implications", 65536)
def _follows(one: Literal, wanted: Literal) -> bool:
    if one.fact != wanted.fact or one.name != wanted.name:
        return False
    if one.positive and wanted.positive:
        return _narrower(one, wanted)
    if not one.positive and not wanted.positive:
        return _narrower(wanted, one)
    return one.positive and _apart(one, wanted)


def _narrower(one: Literal, wanted: Literal) -> bool:
    """True when every value that meets `one` meets `wanted` (both positive)."""
    if (one.operator, one.value) == (wanted.operator, wanted.value):
        return True
    if one.fact == "client":
        return _inside(one.value, wanted.value)
    if wanted.operator == "exists":
        return one.fact in NAMED or (one.operator != "~" and one.value != "")
    if one.operator == "=":
        return _meets(one.value, wanted)
    ways = _WAYS.get((one.operator, wanted.operator))
    return ways is not None and ways(one.value, wanted.value)


_WAYS: Mapping[tuple[str, str], Callable[[str, str], bool]] = {
    ("^=", "^="): str.startswith,
    ("^=", "*="): str.__contains__,
    ("$=", "$="): str.endswith,
    ("$=", "*="): str.__contains__,
    ("*=", "*="): str.__contains__,
    ("$=", "in"): lambda end, wild: end.endswith(wild[1:]) and len(end) > len(wild) - 1,
    ("in", "in"): lambda wild, other: wild[1:].endswith(other[1:]),
    ("in", "$="): lambda wild, end: wild[1:].endswith(end),
    ("in", "*="): lambda wild, part: part in wild[1:],
}
"""What follows from two operators (first the narrower one); `in` stands for a wildcard `*.b`."""


def _meets(text: str, wanted: Literal) -> bool:
    """True when the fact with the value `text` meets `wanted`."""
    value = wanted.value
    if wanted.operator == "~":
        found = expression(wanted.fact, value)
        return len(text) <= found.most and found.contains(text)
    if wanted.operator == "in":
        return text.endswith(value[1:]) and len(text) > len(value) - 1
    return {
        "=": text == value,
        "^=": text.startswith(value),
        "$=": text.endswith(value),
        "*=": value in text,
        "exists": wanted.fact in NAMED or text != "",
    }[wanted.operator]


def _apart(one: Literal, wanted: Literal) -> bool:
    """True when no value meets both; where a fact has several values, two terms are never apart."""
    if one.fact == "client":
        first, second = network(one.value), network(wanted.value)
        return first.version == second.version and not first.overlaps(second)
    return one.fact not in MANIFOLD and one.operator == "=" and not _meets(one.value, wanted)


def _inside(one: str, other: str) -> bool:
    first, second = network(one), network(other)
    return (
        first.version == second.version
        and first.prefixlen >= second.prefixlen
        and first.network_address in second
    )

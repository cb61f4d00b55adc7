"""Conditions of rules as values: what `when = …` says, compared but not yet compiled.

`config/parse/expressions` reads them, `conditions/compile` compiles them, `conditions/shadowing` finds rules
that can never match; a `Rule` holds one.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen


@frozen
class Term:
    """One comparison: `fact` (`host`, `path`, … or `header NAME`), operator, values.

    Operators: `=` `^=` `$=` `*=` `~` `in` `exists`; `values` is empty for `exists`.
    """

    fact: str
    name: str
    operator: str
    values: tuple[str, ...] = ()


@frozen
class Not:
    """True when `part` is not."""

    part: Condition


@frozen
class And:
    """True when all parts are."""

    parts: tuple[Condition, ...]


@frozen
class Or:
    """True when one part is."""

    parts: tuple[Condition, ...]


Condition = Term | Not | And | Or


def terms(condition: Condition | None) -> Iterator[Term]:
    """All terms of a condition, from left to right."""
    if isinstance(condition, Term):
        yield condition
    elif isinstance(condition, Not):
        yield from terms(condition.part)
    elif condition is not None:
        for part in condition.parts:
            yield from terms(part)

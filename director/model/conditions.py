"""Conditions of rules as values: what `when = …` says, compared but not yet compiled.

`config.expressions` reads them, `config.conditions` compiles them, `config.hiding` finds rules that can never
match; `model.Rule` holds one.
"""

from __future__ import annotations

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

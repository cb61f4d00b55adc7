"""The terms of `expect`, held against an answer.

They are `when`'s own, compiled by the same room; an answer has fields and a body, or lines of its own (the
records of `dns`, the datagram of `udp`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, cast

from attrs import evolve

from director.conditions.compile import compile_condition
from director.conditions.facts import Facts
from director.model.conditions import Term


class Answered(Protocol):
    """What terms ask for."""

    body: str

    def headers(self, name: str) -> tuple[str, ...]:
        """The values of a field by its name in lower case."""


class _Lines:
    """An answer of lines only."""

    body = ""

    def __init__(self, lines: tuple[str, ...]) -> None:
        self._lines = lines

    def headers(self, name: str) -> tuple[str, ...]:
        """All of them, whatever the name."""
        return self._lines


def unmet(terms: Iterable[Term], answer: Answered) -> str:
    """The first term that does not hold, as it was written; "" when all do."""
    for term in terms:
        if compile_condition(term)(cast("Facts", answer)) is None:
            return written(term)
    return ""


def unmet_by_lines(terms: Iterable[Term], lines: Iterable[str]) -> str:
    """The same for terms of `answer`: each must hold of at least one line."""
    found = _Lines(tuple(lines))
    for term in terms:
        if unmet((evolve(term, fact="header", name="answer"),), found):
            return written(term)
    return ""


def written(term: Term) -> str:
    """A term as in `expect`."""
    return " ".join(filter(None, (term.fact, term.name, term.operator, *term.values)))

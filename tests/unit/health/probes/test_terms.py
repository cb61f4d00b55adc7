from __future__ import annotations

from director.health.probes.terms import unmet_by_lines, written
from director.model.conditions import Term


def test_each_term_must_hold_of_some_line() -> None:
    first, second = Term("answer", "", "=", ("192.0.2.1",)), Term("answer", "", "^=", ("198.",))
    assert unmet_by_lines((first, second), ("198.51.100.7", "192.0.2.1")) == ""
    assert unmet_by_lines((first, second), ("192.0.2.1",)) == "answer ^= 198."
    assert unmet_by_lines((first,), ()) == "answer = 192.0.2.1"


def test_a_term_is_shown_as_it_is_written() -> None:
    assert written(Term("header", "x-state", "in", ("a", "b"))) == "header x-state in a b"

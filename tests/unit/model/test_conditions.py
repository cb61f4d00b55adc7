from __future__ import annotations

from director.model.conditions import And, Not, Or, Term, terms

PATH, HOST = Term("path", "", "^=", ("/a",)), Term("host", "", "in", ("a", "b"))


def test_conditions_are_the_same_when_they_say_the_same() -> None:
    """A reload compares rules by their conditions."""
    assert And((PATH, Not(HOST))) == And((Term("path", "", "^=", ("/a",)), Not(HOST)))
    different = {And((PATH, HOST)), Or((PATH, HOST)), And((HOST, PATH)), Not(PATH), PATH}
    assert len(different) == 5


def test_terms_from_left_to_right() -> None:
    method = Term("method", "", "=", ("C",))
    assert list(terms(And((Not(Or((HOST, PATH))), method)))) == [HOST, PATH, method]
    assert list(terms(None)) == []

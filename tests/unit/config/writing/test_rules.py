"""Rules in the words of the ini; that all of it reads back is `test_sections`'."""

from __future__ import annotations

from director.config.writing import rules
from director.model.conditions import Term
from director.model.http import HeaderEdit, Rule


def test_header_edits_stand_by_their_verb() -> None:
    edits = (HeaderEdit("del", "X-C"), HeaderEdit("set", "X-A", "1"), HeaderEdit("set", "X-B", "two words"))
    rule = Rule(7, "x", "w", when=Term("path", "", "=", ("/a b",)), respond=(204, ""), headers=edits)
    keys = {key: text for key, text in rules.keys(rule) if text}
    assert keys == {
        "service": "w", "when": 'path = "/a b"', "respond": "204",
        "del_header": "X-C", "set_header": "X-A: 1\nX-B: two words",
    }  # fmt: skip
    assert [*keys][-2:] == ["del_header", "set_header"], "in the order of the edits"


def test_a_secret_stands_as_the_variable_it_came_from() -> None:
    written = (("respond", "403 ${file:s}"),)
    rule = Rule(7, "x", "w", respond=(403, "hunter2"), written=written, secrets=("hunter2",))
    assert dict(rules.keys(rule))["respond"] == "403 ${file:s}"

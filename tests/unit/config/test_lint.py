from __future__ import annotations

from director.config.messages import exit_code, render
from tests.support.configurations import read_ini

BASE = "[l7:www]\nlisten = :80\n[rule:10 all]\nservice = www\nwhen = path ^= /a\nrespond = 404\n"


def test_a_rule_that_can_never_match() -> None:
    loaded = read_ini(BASE + "[rule:20 b]\nservice = www\nwhen = path = /a/b\nrespond = 200\n")
    assert loaded.configuration is not None
    assert render(loaded.problems) == (
        "etc/main.ini:9:8: warning: [rule:20 b] when = path = /a/b: this rule can never match: "
        "[rule:10 all] at etc/main.ini:3 claims its requests\n"
        "    when = path = /a/b\n"
        "           ^\n"
        "    give it a smaller number, or narrow the other's when\n"
    )
    assert exit_code(loaded.problems) == 0
    assert exit_code(loaded.problems, strict=True) == 1


def test_order_is_by_number_not_by_place() -> None:
    loaded = read_ini(BASE + "[rule:5 b]\nservice = www\nrespond = 200\n")
    assert [(p.line, p.severity) for p in loaded.problems] == [(5, "warning")]


def test_unused_and_empty() -> None:
    loaded = read_ini("[pool:p]\n[check:c]\ntcp = connect\n")
    assert [(p.line, p.severity, p.message) for p in loaded.problems] == [
        (1, "warning", "no service or rule uses this pool"),
        (1, "warning", "the pool has no server"),
        (2, "warning", "no pool uses this check"),
    ]


def test_runaway_expressions_and_small_methods() -> None:
    loaded = read_ini(
        "[l7:w]\nlisten = :80\n[rule:1 a]\nservice = w\n"
        "when = method = post and path ~ (/a+)+$\nrespond = 404\n"
    )
    assert [(p.column, p.severity, p.hint) for p in loaded.problems] == [
        (17, "warning", "write POST"),
        (38, "warning", "write one of them without * or +"),
    ]

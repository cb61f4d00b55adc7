from __future__ import annotations

import json

from director.config.text.messages import (
    WARNING,
    Findings,
    Position,
    as_json,
    exit_code,
    render,
    shorten,
    suggest,
)

PLACE = Position("a.ini", 3, 8, "pool = wbe")


def test_the_form_of_a_message() -> None:
    findings = Findings()
    findings.add(
        PLACE, "there is no pool wbe", section="l7:www", key="pool", value="wbe", hint="did you mean web?"
    )
    assert [str(one) for one in findings.problems()] == [
        "a.ini:3:8: error: [l7:www] pool = wbe: there is no pool wbe; did you mean web?"
    ]
    assert render(findings.problems()) == (
        "a.ini:3:8: error: [l7:www] pool = wbe: there is no pool wbe\n"
        "    pool = wbe\n"
        "           ^\n"
        "    did you mean web?\n"
    )


def test_one_advice_about_many_stands_once() -> None:
    findings = Findings()
    for number, hint in enumerate(("same", "same", "same", "other", "", "same"), 1):
        findings.add(Position("a.ini", number, 1, "x"), f"m{number}", hint=hint)
    said = [line.strip() for line in render(findings.problems()).splitlines()]
    assert [line for line in said if line not in "x^"] == [
        "a.ini:1:1: error: m1", "a.ini:2:1: error: m2", "a.ini:3:1: error: m3", "same",
        "a.ini:4:1: error: m4", "other", "a.ini:5:1: error: m5", "a.ini:6:1: error: m6", "same",
    ]  # fmt: skip
    assert render(()) == ""


def test_a_message_in_one_line() -> None:
    """What the API answers to a reload that is refused."""
    findings = Findings()
    findings.add(PLACE, "there is no pool wbe", section="l7:www", key="pool", value="wbe", hint="take web")
    findings.add(PLACE, "too long", section="l7:www")
    assert [str(one) for one in findings.problems()] == [
        "a.ini:3:8: error: [l7:www] pool = wbe: there is no pool wbe; take web",
        "a.ini:3:8: error: [l7:www]: too long",
    ]


def test_a_warning_of_a_section_and_one_of_a_file() -> None:
    findings = Findings()
    findings.add(Position("a.ini", 1, 1, "[pool:x]"), "unused", section="pool:x", severity=WARNING)
    findings.add(Position("b.ini"), "cannot read b.ini", hint="name a file")
    assert render(findings.problems()) == (
        "a.ini:1:1: warning: [pool:x]: unused\n    [pool:x]\n    ^\n"
        "b.ini: error: cannot read b.ini\n    name a file\n"
    )


def test_the_caret_keeps_tabs() -> None:
    findings = Findings()
    findings.add(Position("a.ini", 1, 3, "\tx y"), "no")
    assert render(findings.problems()).splitlines()[2] == "    \t ^"


def test_json_has_the_same_fields() -> None:
    findings = Findings()
    findings.add(PLACE, "no", section="l7:www", key="pool", value="wbe", hint="do")
    (found,) = json.loads(as_json(findings.problems()))
    assert found == {
        "file": "a.ini",
        "line": 3,
        "column": 8,
        "severity": "error",
        "section": "l7:www",
        "key": "pool",
        "value": "wbe",
        "message": "no",
        "hint": "do",
        "line_text": "pool = wbe",
    }
    assert as_json(()) == "[]\n"


def test_exit_codes() -> None:
    findings = Findings()
    assert exit_code(findings.problems(), strict=True) == 0
    findings.add(PLACE, "hm", severity=WARNING)
    assert exit_code(findings.problems()) == 0
    assert exit_code(findings.problems(), strict=True) == 1
    findings.add(PLACE, "no")
    assert exit_code(findings.problems()) == 2


def test_problems_are_sorted_and_bounded() -> None:
    findings = Findings()
    for line in range(1500, 0, -1):
        findings.add(Position("a.ini", line, 1, "x"), "no")
    problems = findings.problems()
    assert len(problems) == 1001
    assert [p.line for p in problems[:3]] == [501, 502, 503]
    assert problems[-1].message == "500 more problems are not shown"
    assert findings.failed


def test_passwords_are_masked() -> None:
    findings = Findings()
    findings.add(Position("a.ini", 1, 12, "password = hunter2"), "no", key="password", value="hunter2")
    assert "hunter2" not in render(findings.problems()) + as_json(findings.problems())


def test_the_nearest_name() -> None:
    assert suggest("wbe", ["web", "api"]) == "did you mean web?"
    assert suggest("zzz", ["web", "api"]) == "known: api, web"
    assert not suggest("zzz", [])


def test_long_values_are_cut() -> None:
    assert shorten("x" * 100) == "x" * 80 + "…"
    assert shorten("one\ntwo") == "one …"

from __future__ import annotations

from director.config.parse.fields import Fields
from director.config.schema.tables import kind_of
from director.config.text.messages import Findings
from director.config.text.reader import parse


def fields(text: str) -> tuple[Fields, Findings]:
    findings = Findings()
    (section,) = parse("a.ini", text, findings)
    kind = kind_of(section.kind, named=bool(section.name))
    assert kind is not None
    return Fields(section, kind, findings), findings


def test_values_and_defaults() -> None:
    found, findings = fields("[check:x]\ntcp = connect\nevery = 5s\n")
    assert (found.name, found.get("every"), found.get("timeout"), found.get("http")) == ("x", 5.0, 1.0, None)
    assert found.given("tcp", "http") == ["tcp"]
    assert found.text("every") == "5s"
    assert not findings.failed


def test_a_wrong_value_is_reported_and_its_default_taken() -> None:
    found, findings = fields("[check:x]\nevery = 5\n")
    assert found.get("every") == 2.0
    (problem,) = findings.problems()
    assert (problem.section, problem.key, problem.value, problem.column) == ("check:x", "every", "5", 9)


def test_a_broken_section_lacks_something_required() -> None:
    assert fields("[page:x]\n")[0].broken
    assert fields("[page:x]\nfile =\n")[0].broken
    assert not fields("[page:x]\nfile = a\nstatus = 1\n")[0].broken


def test_an_unknown_key_names_the_nearest() -> None:
    _, findings = fields("[check:x]\ntcp = connect\nevry = 5s\n")
    assert findings.problems()[0].hint == "did you mean every?"

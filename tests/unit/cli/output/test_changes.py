from __future__ import annotations

from director.cli.output import changes


def test_changes_are_told() -> None:
    assert changes.applied({"generation": 3, "diff": ["server web/a now weight=5"]}) == (
        "server web/a now weight=5\ngeneration 3 runs\n"
    )
    assert changes.applied({"generation": 3, "diff": []}) == "nothing changed; generation 3 runs\n"
    assert changes.applied({"dry_run": True, "diff": ["x"]}) == "would do: x\n"
    assert changes.applied({"dry_run": True, "diff": []}) == "nothing would change\n"


def test_problems_are_counted() -> None:
    found = [{"severity": "error", "at": "a.ini:1:2", "message": "bad"}]
    assert changes.problems(found) == "a.ini:1:2: error: bad\n1 error, no warnings\n"
    assert changes.count(0, 2) == "no errors, 2 warnings"

from __future__ import annotations

from tests.unit.cli.memory import Run


def test_drills_are_refused_in_this_version(run: Run) -> None:
    assert run("drill", "run", "x") == (1, "", "director: fault drills are not in this version\n")

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from director.admin.testing import MemoryDrills
from director.cli import rehearsing
from director.cli.commands import drill
from director.fault.sheet import Sheet, sheet
from director.model.drills import Drill, DrillStep
from tests.unit.cli.memory import MemoryClient, Run
from tests.unit.fault import sample_runs
from tests.unit.fault.test_sheet import HIT


def made(**facts: Any) -> Sheet:
    """A sheet of a run in which a request took so many `seconds`."""
    during = [sample_runs.sample(number, **facts) for number in range(11, 30)]
    run = sample_runs.record(*during, faults=[HIT])
    return sheet(sample_runs.drill(during="slowest < 1s"), run, 7)


@pytest.fixture
def drills(client: MemoryClient) -> MemoryClient:
    """A director with one drill, which passes."""
    known = client.admin.control.drills = MemoryDrills()
    known.drills["x"] = Drill("x", "www", (DrillStep(4.0, "end"),))
    known.sheet = made()
    return client


def test_faults(client: MemoryClient, run: Run) -> None:
    code, out, _ = run("fault", "start", "slow", "--ttl", "2s", "--seed", "9")
    assert (code, out.startswith("slow is injected for ")) == (0, True)
    assert "seed 9" in out
    code, out, _ = run("fault", "list")
    assert (code, "slow" in out, "web/a" in out) == (0, True, True)
    assert run("fault", "stop") == (0, "slow is stopped\n", "")
    assert run("fault", "stop") == (0, "", "")
    code, _, told = run("fault", "start", "nobody")
    assert (code, "No such fault" in told) == (1, True)


def test_where_drills_are_not_allowed(client: MemoryClient, run: Run) -> None:
    client.admin.control.rehearsals.allowed = False
    code, _, told = run("fault", "start", "slow")
    assert (code, "not allowed" in told) == (1, True)


@pytest.mark.parametrize(
    ("facts", "code", "verdict"),
    [({}, 0, "PASS"), ({"seconds": 5.0}, 1, "FAIL"), ({"phase": "recover"}, 3, "VOID")],
)
def test_exit_codes(drills: MemoryClient, run: Run, facts: dict[str, Any], code: int, verdict: str) -> None:
    drills.admin.control.drills.sheet = made(**facts)
    found, out, _ = run("drill", "run", "x")
    assert found == code
    assert out.startswith(f"x: {verdict}")


def test_an_unknown_drill_is_usage(drills: MemoryClient, run: Run) -> None:
    code, _, told = run("drill", "run", "y")
    assert (code, "No such drill" in told) == (2, True)


def test_forms_in_files_and_on_standard_output(drills: MemoryClient, run: Run, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.json", "a.xml", "a.html")]
    code, out, _ = run(
        "drill", "run", "x", "--json", str(files[0]), "--junit", str(files[1]), "--html", str(files[2])
    )
    assert (code, out.startswith("x: PASS")) == (0, True)
    assert json.loads(files[0].read_text())["verdict"] == "pass"
    assert files[1].read_text().startswith("<?xml")
    assert files[2].read_text().startswith("<!DOCTYPE html>")
    code, out, _ = run("drill", "run", "x", "--json", "-")
    assert (code, json.loads(out)["verdict"]) == (0, "pass")
    code, out, _ = run("drill", "run", "x", "--junit", "-")
    assert (code, out.startswith("<?xml")) == (0, True)


def test_a_file_that_cannot_be_written_is_usage(drills: MemoryClient, run: Run) -> None:
    code, _, told = run("drill", "run", "x", "--json", "/nowhere/a.json")
    assert (code, "cannot write /nowhere/a.json" in told) == (2, True)


def test_seed_and_control_are_passed_on(drills: MemoryClient, run: Run) -> None:
    run("drill", "run", "x", "--seed", "5", "--control")
    (told,) = drills.admin.control.drills.runs()
    assert told.sheet is not None
    assert told.sheet["seed"] == 5


def test_lists_and_stops(drills: MemoryClient, run: Run) -> None:
    run("drill", "run", "x")
    code, out, _ = run("drill", "list")
    assert (code, "pass (" in out) == (0, True)
    code, _, told = run("drill", "stop")
    assert (code, "no drill runs" in told) == (1, True)


def test_a_file_with_several_drills_is_as_bad_as_the_worst() -> None:
    sheets = [{"verdict": "pass"}, {"verdict": "void"}, {"verdict": "fail"}]
    assert drill.worst(sheets) == 1
    assert drill.worst(sheets[:2]) == 3
    assert drill.worst(sheets[:1]) == 0


def test_a_file_that_is_not_there_is_usage(run: Run) -> None:
    code, _, told = run("drill", "run", "nowhere/x.ini")
    assert (code, "there is no file nowhere/x.ini" in told) == (2, True)


def test_a_drill_that_the_file_does_not_have(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "a.ini"
    path.write_text("x")
    monkeypatch.setattr(rehearsing, "drills_of", lambda _: ["one", "two"])
    code, _, told = run("drill", "run", str(path), "three")
    assert (code, "has no drill three; there are: one, two" in told) == (2, True)

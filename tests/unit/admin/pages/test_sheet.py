from __future__ import annotations

from typing import Any

from director.admin.pages.sheet import forgotten, run
from director.admin.rehearsals import drill_view
from director.fault.sheet import sheet
from tests.unit.admin.pages.looks import ADMIN, ONLOOKER
from tests.unit.admin.pages.test_html import read
from tests.unit.fault import sample_runs

DRILL = sample_runs.drill(during="ok >= 99%")
PLAN = drill_view(DRILL, [])
HEAD = {"run": "9bfe", "drill": "x", "began": "2026-11-30T12:00:00.000Z", "running": False}


def told(**more: Any) -> dict[str, Any]:
    bad = [sample_runs.sample(number, status=503) for number in range(11, 15)]
    good = [sample_runs.sample(number) for number in range(15, 31)]
    return {**HEAD, **sheet(DRILL, sample_runs.record(*bad, *good), 7), **more}


def test_a_sheet_says_what_held_what_broke_and_which_requests_show_it() -> None:
    text = read(run(told(verdict="fail"), PLAN, 4.0, ADMIN)).text
    for part in ("FAIL", "broke", "ok >= 99%", "Requests that broke", "status 503 after 0.010 s", "seed 7"):
        assert part in text


def test_it_is_drawn() -> None:
    tags = [name for name, _ in read(run(told(), PLAN, 4.0, ADMIN)).tags]
    assert tags.count("circle") == 30, "one for each request"


def test_while_it_runs_nothing_has_broken_yet_and_one_sees_how_far_it_is() -> None:
    page = run(told(running=True, verdict=None, seconds=2.0), PLAN, 2.0, ADMIN)
    text = read(page).text
    assert "RUNS" in text
    assert "broke" not in text
    assert "not yet" in text
    bar = next(attributes for name, attributes in read(page).tags if name == "progress")
    assert (bar["value"], bar["max"]) == ("2.0", "4")
    assert "1s start x ✓" in text
    assert "3s heal ✓" not in text
    assert 'value="stop drill"' in page
    assert "data-still" not in page


def test_it_can_be_run_again_with_the_same_seed() -> None:
    page = run(told(), PLAN, 4.0, ADMIN)
    assert 'name="seed" value="7"' in page
    assert "data-still" in page, "a sheet does not change any more"
    assert "/act" not in run(told(), PLAN, 4.0, ONLOOKER)
    assert "/act" not in run(told(), None, 4.0, ADMIN), "its drill is gone"


def test_a_run_that_just_began_has_no_sheet_yet() -> None:
    assert "RUNS" in read(run({**HEAD, "running": True}, PLAN, 0.0, ADMIN)).text


def test_an_old_one_is_said_to_be_forgotten() -> None:
    assert "not remembered" in forgotten("<9bfe>")
    assert "<9bfe>" not in forgotten("<9bfe>")

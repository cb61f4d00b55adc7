from __future__ import annotations

from typing import Any

from director.admin import views
from director.admin.pages.faults import faults
from director.admin.rehearsals import drills_view
from director.admin.testing import MemoryControl
from tests.unit.admin import sample
from tests.unit.admin.pages.looks import ADMIN, BEARER, ONLOOKER
from tests.unit.admin.pages.test_html import read


def shown(control: MemoryControl, viewer: Any = ADMIN, *, allowed: bool = True) -> str:
    found = [views.fault_view(one, control.at) for one in control.rehearsals.states()]
    return faults(found, drills_view(control.drills), viewer, allowed=allowed)


def test_a_fault_says_what_it_does_and_can_be_started_for_a_while() -> None:
    page = shown(sample.control())
    text = read(page).text
    assert "web/a" in text
    assert "delay 1s" in text
    assert "not injected" in text
    inputs = {attributes.get("name"): attributes for name, attributes in read(page).tags if name == "input"}
    assert inputs["ttl"]["value"] == "60s"
    assert 'value="start fault"' in page
    assert 'value="stop fault"' not in page


def test_one_that_runs_can_be_stopped_and_says_when_it_ends() -> None:
    control = sample.control()
    control.rehearsals.start_fault("slow", "ops", 1030.0)
    page = shown(control)
    assert "injected, ends in 30 s" in read(page).text
    assert 'value="stop fault"' in page


def test_a_drill_shows_its_plan_and_its_runs() -> None:
    control = sample.control()
    control.drills.told.clear()
    page = shown(control)
    assert "2s end" in read(page).text
    assert "Not run yet." in read(page).text
    assert 'value="run drill"' in page
    control.drills.run_drill("two hang", "ops")
    page = shown(control)
    assert "PASS" in read(page).text
    assert 'href="/drills/r1"' in page


def test_while_a_drill_runs_it_cannot_be_started_again() -> None:
    assert 'value="run drill"' not in shown(sample.control())


def test_who_may_not_order_has_no_button_and_where_it_is_not_allowed_nobody_has() -> None:
    assert "/act" not in shown(sample.control(), ONLOOKER)
    assert "/act" not in shown(sample.control(), BEARER)
    page = shown(sample.control(), allowed=False)
    assert "/act" not in page
    assert "drills = allowed" in read(page).text


def test_without_any_it_says_how_one_is_written() -> None:
    control = sample.control()
    control.rehearsals.known.clear()
    control.drills.drills.clear()
    text = read(shown(control)).text
    assert "[fault:" in text
    assert "[drill:" in text

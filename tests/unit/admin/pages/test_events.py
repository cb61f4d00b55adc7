from __future__ import annotations

from typing import Any

import pytest

from director.admin.pages.events import by, events, severe
from tests.unit.admin.pages import looks

CHANGE: dict[str, Any] = {
    "number": 7,
    "time": "2026-11-30T12:00:00.000Z",
    "author": "ops <x>",
    "from": "10.0.0.9",
    "diff": ["weight a 1 -> 2"],
}


def test_what_can_be_taken_back_has_a_button_for_who_may() -> None:
    undoable = {**CHANGE, "undoable": True}
    assert 'name="number" value="7"' in events([], [undoable], looks.ADMIN)
    assert "Undo" not in events([], [undoable], looks.ONLOOKER)
    assert "Undo" not in events([], [{**CHANGE, "undoable": False}], looks.ADMIN)


def test_who_and_what_stay_text() -> None:
    page = events([], [{**CHANGE, "undoable": False}], looks.ADMIN)
    assert "ops &lt;x&gt;" in page
    assert "weight a 1 -&gt; 2" in page


def test_each_change_leads_to_its_details_and_a_long_one_is_cut() -> None:
    long = {**CHANGE, "undoable": False, "diff": [f"server {number} added" for number in range(9)]}
    page = events([], [long], looks.ADMIN)
    assert page.count('href="/changes/7"') == 2
    assert "server 4 added" in page
    assert "server 5 added" not in page
    assert "and 4 more" in page
    assert "10.0.0.9" in page


@pytest.mark.parametrize(
    ("who", "fits"), [("", True), ("ops", True), ("OPS", True), ("10.0.0", True), ("root", False)]
)
def test_changes_are_found_by_who_made_them_and_from_where(who: str, fits: bool) -> None:
    assert by(CHANGE, who) is fits


def test_events_are_found_by_how_grave_they_are() -> None:
    levels = ("info", "warning", "error", "debug")
    found = {least: [one for one in levels if severe({"level": one}, least)] for least in ("", *levels)}
    assert found["warning"] == ["warning", "error"]
    assert found["error"] == ["error"]
    assert found[""] == found["info"] == found["debug"] == list(levels)


def test_filters_keep_each_other() -> None:
    page = events([], [], looks.ADMIN, {"who": "ops", "level": "error"})
    assert "/events?who=ops&amp;level=warning" in page
    assert 'name="level" value="error"' in page
    assert 'href="/events?who=ops"' in page

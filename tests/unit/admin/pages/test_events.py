from __future__ import annotations

from director.admin.pages.events import events
from tests.unit.admin.pages import looks

CHANGE = {"number": 7, "time": "2026-11-30T12:00:00.000Z", "author": "ops <x>", "diff": ["weight a 1 -> 2"]}


def test_what_can_be_taken_back_has_a_button_for_who_may() -> None:
    undoable = {**CHANGE, "undoable": True}
    assert 'name="number" value="7"' in events([], [undoable], looks.ADMIN)
    assert "Undo" not in events([], [undoable], looks.ONLOOKER)
    assert "Undo" not in events([], [{**CHANGE, "undoable": False}], looks.ADMIN)


def test_who_and_what_stay_text() -> None:
    page = events([], [{**CHANGE, "undoable": False}], looks.ADMIN)
    assert "ops &lt;x&gt;" in page
    assert "weight a 1 -&gt; 2" in page

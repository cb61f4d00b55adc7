from __future__ import annotations

from typing import Any

from director.admin.audit import generation_view
from director.admin.pages.changes import change, diff, fields, forgotten
from director.admin.pages.html import join
from director.registry.changes import ServerAdded
from tests.unit.admin import sample
from tests.unit.admin.pages.looks import ADMIN, ONLOOKER
from tests.unit.admin.pages.test_html import read

MADE = {
    "number": 7,
    "time": "2026-11-30T12:00:00.000Z",
    "author": "ops",
    "from": "10.0.0.9",
    "diff": ["server web/a weight 1 -> 2"],
    "changes": [
        {"what": "server web/a", "before": {"weight": 1, "max": 9}, "after": {"weight": 2, "max": 9}}
    ],
    "undoable": True,
}


def test_only_the_settings_that_differ_have_a_row() -> None:
    rows = fields(MADE["changes"])  # type: ignore[arg-type]
    assert [read(one).text for one in rows] == ["server web/aweight12"]


def test_what_came_and_what_went_are_said_so() -> None:
    come, gone = ({"what": "pool x", "before": None, "after": {"name": "x"}},
                  {"what": "pool y", "before": {"name": "y"}, "after": None})  # fmt: skip
    assert read(fields([come])[0]).text == "pool xnamenot therex"
    assert read(fields([gone])[0]).text == "pool ynameynot there"
    bare: dict[str, Any] = {"what": "state web/a", "before": None, "after": {}}
    assert "not there" in read(fields([bare])[0]).text


def test_a_value_from_outside_stays_text() -> None:
    one = {"what": "<b>", "before": {"x": "<i>"}, "after": {"x": ["<u>"]}}
    html = join(diff(["<s>"], [one]))
    assert not [tag for tag, _ in read(html).tags if tag in {"b", "i", "u", "s"}]


def test_a_change_tells_who_from_where_and_what_undoing_would_do() -> None:
    page = change(MADE, ["server web/a weight 2 -> 1"], "", ADMIN)
    text = read(page).text
    for part in ("by ops", "from 10.0.0.9", "Taking it back would now", "weight 2 -> 1"):
        assert part in text
    assert 'name="number" value="7"' in page
    assert "/act" not in change(MADE, ["x"], "", ONLOOKER)


def test_what_cannot_be_undone_says_why() -> None:
    assert "It changed nothing" in change(MADE, [], "It changed nothing that could be taken back", ADMIN)
    assert "not in force any more" in change(MADE, [], "", ADMIN)


def test_a_generation_of_a_registry_is_shown_whole() -> None:
    registry = sample.registry()
    registry.apply([ServerAdded("web", sample.server("z", 9009, weight=5))], "ops", 200.0, 1_800_000_000.0)
    made = generation_view(registry.generations[-1])
    text = read(change(made, [], "", ADMIN)).text
    for part in ("server web/z", "127.0.0.1:9009", "weight"):
        assert part in text


def test_an_old_one_is_said_to_be_forgotten() -> None:
    assert "not remembered" in forgotten("12")

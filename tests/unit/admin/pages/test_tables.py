from __future__ import annotations

from director.admin.pages import tables
from director.admin.views import Json
from tests.unit.admin import sample
from tests.unit.admin.pages.test_html import read


def view(*, trouble: bool = True) -> Json:
    control = sample.control()
    sample.fill(control)
    if trouble:
        sample.trouble(control)
    return sample.screen(control)


def shown_pools(shown: Json) -> str:
    return "".join(tables.pools(shown["pools"]))


def test_rows_of_a_table_stay_rows_when_they_look_like_cards() -> None:
    tags = read(shown_pools(view())).tags
    assert all(attributes.get("role") for name, attributes in tags if name in {"table", "tr", "td", "th"})
    assert all(attributes.get("data-label") for name, attributes in tags if name == "td")


def test_a_server_shows_state_evidence_and_load() -> None:
    text = read(shown_pools(view())).text
    for part in (
        "draining, 17 left",
        "alive: connection refused",
        "34 / 200",
        "0 of 1 take new work",
        "standby",
    ):
        assert part in text


def test_state_is_told_by_words_not_by_colour_alone() -> None:
    html = shown_pools(view())
    assert 'aria-label="7 of the last 10 checks passed"' in html
    assert "</i>down" in html


def test_bars_are_in_proportion() -> None:
    rects = [
        attributes
        for name, attributes in read(
            str(tables.answers({"1xx": 0, "2xx": 3, "3xx": 0, "4xx": 0, "5xx": 1}))
        ).tags
        if name == "rect"
    ]
    assert [(one["class"], one["x"], one["width"]) for one in rects] == [
        ("c2", "0.00", "75.00"),
        ("c5", "75.00", "25.00"),
    ]


def test_errors_name_their_causes() -> None:
    assert read(str(tables.errors({"connect": 3, "timeout": 1}))).text == "4connect 3, timeout 1"


def test_empty_tables_say_what_to_do() -> None:
    empty: Json = {"services": [], "pools": [], "faults": [], "events": []}
    assert "add an [l7:NAME] section" in tables.services(empty)
    assert "add a [pool:NAME] section" in shown_pools(empty)
    assert "No request needed the fault path" in tables.faults(empty)
    assert "Nothing happened" in tables.events(empty)


def test_a_listener_that_is_not_bound_is_told() -> None:
    found = view()
    found["services"][0]["listeners"][0]["bound"] = False
    assert "✕ not bound" in tables.services(found)


def test_fault_answers_lead_to_their_trace() -> None:
    html = tables.faults(view())
    assert 'href="/requests/f1"' in html
    assert ">local 127.0.0.1:8099<" in html
    assert ">pool images has no server: every server is down or in maintenance<" in html

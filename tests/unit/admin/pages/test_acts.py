from __future__ import annotations

import pytest

from director.admin.answers import Refusal
from director.admin.pages.acts import ACTS, act
from director.admin.routes import ROUTES

ONE = {"pool": "web", "server": "a"}


def test_each_act_is_a_write_of_the_api_whose_path_the_form_fills() -> None:
    routes = {route.name: route for route in ROUTES}
    for one in ACTS.values():
        route = routes[one.route]
        assert route.method != "GET"
        assert [part[1:-1] for part in route.path.split("/") if part.startswith("{")] == list(one.path)
        assert bool(route.takes) == (one.body is not None)


def test_an_order_is_made_of_the_form() -> None:
    found = act({"do": "weight", **ONE, "value": " 12 "})
    assert found.body is not None
    assert found.body({"value": " 12 "}) == {"weight": 12}
    state = act({"do": "state", **ONE, "value": "drain"})
    assert state.body is not None
    assert state.body({"value": "drain"}) == {"state": "drain"}


@pytest.mark.parametrize(
    "form", [{}, {"do": "format"}, {"do": "state"}, {"do": "state", "pool": "web", "server": ""}]
)
def test_what_no_button_sends_is_refused(form: dict[str, str]) -> None:
    with pytest.raises(Refusal):
        act(form)


def test_a_reload_waits_only_when_it_is_on_trial() -> None:
    query = act({"do": "reload"}).query
    assert query({}) == {}
    assert query({"within": " 60s ", "guard": ""}) == {"confirm": "60s"}
    assert query({"within": "60s", "guard": "5xx > 1%"}) == {"confirm": "60s", "guard": "5xx > 1%"}


def test_a_fault_and_a_drill_are_ordered_with_what_was_filled_in() -> None:
    fault, drill = ACTS["start fault"].body, ACTS["run drill"].body
    assert fault is not None
    assert drill is not None
    assert fault({"name": "x", "ttl": ""}) == {"name": "x"}
    assert fault({"name": "x", "ttl": " 9s"}) == {"name": "x", "ttl": "9s"}
    assert drill({"name": "x", "seed": "7", "control": "1"}) == {"name": "x", "seed": 7, "control": True}
    assert drill({"name": "x", "seed": ""}) == {"name": "x", "control": False}
    with pytest.raises(Refusal):
        drill({"name": "x", "seed": "seven"})


@pytest.mark.parametrize("value", ["", "-1", "1.5", "²", "9" * 9])
def test_a_weight_is_a_number(value: str) -> None:
    body = ACTS["weight"].body
    assert body is not None
    with pytest.raises(Refusal):
        body({"value": value})


@pytest.mark.parametrize("pool", ["//evil.example", "/\\evil.example", "..", "a\r\nSet-Cookie: x=1", "?x"])
def test_the_way_back_is_one_of_our_pages_whatever_the_form_says(pool: str) -> None:
    """RFC 3986 4.2: what begins with // names a host."""
    where = ACTS["state"].back({"pool": pool})
    assert where.startswith("/pools/")
    assert "/" not in where[7:]
    assert where.isprintable()
    assert "?" not in where
    sheet = ACTS["run drill"].back({"name": pool})
    assert sheet.startswith("/drills/")
    assert "/" not in sheet[8:]

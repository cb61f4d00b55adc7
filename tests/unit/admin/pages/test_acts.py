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

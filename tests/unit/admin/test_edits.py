from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.admin.edits import BadOrder, parse_object, question, server_changes, status_of
from director.errors import ChangeRefused
from director.model.pools import State
from director.registry.changes import Ordered, ServerChanged
from tests.unit.admin.sample import control


def changes(order: dict[str, object], pool: str = "web", server: str = "a") -> tuple[object, ...]:
    return server_changes(control().snapshot(), pool, server, order)


def test_weight_and_state_become_two_changes() -> None:
    changed, ordered = changes({"weight": 5, "state": "drain"})
    assert isinstance(changed, ServerChanged)
    assert changed.server.weight == 5
    assert changed.server.max == 200
    assert ordered == Ordered("web", "a", State.DRAIN)


def test_what_is_so_already_changes_nothing() -> None:
    assert changes({"weight": 2, "max": 200, "state": "ready"}) == ()


@pytest.mark.parametrize(
    ("order", "at"),
    [
        ({"weight": -1}, "weight"),
        ({"weight": 2**31}, "weight"),
        ({"weight": True}, "weight"),
        ({"weight": 1.0}, "weight"),
        ({"weight": None}, "weight"),
        ({"max": None}, "max"),
        ({"state": None}, "state"),
        ({"weight": "1"}, "weight"),
        ({"max": 2**31}, "max"),
        ({"min": -1}, "min"),
        ({"state": "off"}, "state"),
        ({"state": 1}, "state"),
        ({"state": ["ready"]}, "state"),
        ({"wieght": 1}, "wieght"),
        ({}, ""),
        ({"min": 300}, ""),
    ],
)
def test_wrong_orders_name_the_field(order: dict[str, object], at: str) -> None:
    with pytest.raises(BadOrder) as caught:
        changes(order)
    assert caught.value.at == at


def test_the_nearest_field_is_named() -> None:
    with pytest.raises(BadOrder, match="did you mean 'weight'"):
        changes({"wieght": 1})


@pytest.mark.parametrize(("pool", "server"), [("none", "a"), ("web", "none")])
def test_what_is_not_there_is_404(pool: str, server: str) -> None:
    with pytest.raises(ChangeRefused) as caught:
        changes({"weight": 1}, pool, server)
    assert status_of(caught.value) == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"1",
        b"null",
        b"{",
        b"\xff",
        b'{"a":1,"a":2}',
        b'{"a":NaN}',
        b"[" * 60000,
        b'{"a":' * 9000,
        b"\x00",
    ],
)
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadOrder):
        parse_object(body)


@given(st.binary(max_size=64))
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    with suppress(BadOrder):
        assert isinstance(parse_object(body), dict)


def test_a_question_may_suppose_that_servers_are_down() -> None:
    assert question({"url": "/", "down": ["web/a", "web/b", "web/a"]}).down == ("web/a", "web/b")
    for wrong in (None, "web/a", ["web"], [1], ["a/b/c"], {"web": "a"}):
        with pytest.raises(BadOrder) as caught:
            question({"url": "/", "down": wrong})
        assert caught.value.at == "down"


def test_a_question_has_defaults() -> None:
    asked = question({"url": "http://a/b", "headers": {"Cookie": "a=b"}})
    assert (asked.method, asked.client, asked.headers) == ("GET", "127.0.0.1", (("Cookie", "a=b"),))
    assert question({"url": "/", "client": "::FFFF:0:1"}).client == "::ffff:0:1"
    assert question({"url": "/", "headers": [["A", "1"], ["A", "2"]]}).headers == (("A", "1"), ("A", "2"))


@pytest.mark.parametrize(
    "order",
    [
        {},
        {"url": ""},
        {"url": 1},
        {"url": "a\r\nb"},
        {"url": "x" * 8001},
        {"url": "/", "headers": "a"},
        {"url": "/", "headers": None},
        {"url": "/", "headers": False},
        {"url": "/", "headers": ""},
        {"url": "/", "client": None},
        {"url": "/", "method": None},
        {"url": "/", "headers": {"a": 1}},
        {"url": "/", "headers": [["a"]]},
        {"url": "/", "headers": {"a": "b\n"}},
        {"url": "/", "headers": {str(n): "" for n in range(101)}},
        {"url": "/", "method": "x" * 33},
        {"url": "/", "x": 1},
        {"url": "/", "client": "web"},
        {"url": "/", "client": "10.0.0.1:80"},
    ],
)
def test_wrong_questions_are_refused(order: dict[str, object]) -> None:
    with pytest.raises(BadOrder):
        question(order)

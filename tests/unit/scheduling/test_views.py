"""Views show what the interfaces name, read through to the live object, and lead no further."""

from __future__ import annotations

from typing import Any

import pytest
from zope.interface.interface import Method
from zope.interface.verify import verifyObject

from director.interfaces import IKey, IServer
from director.scheduling.views import KeyView, ServerView
from tests.unit.scheduling.fakes import Key, Server

ATTRIBUTES = [name for name, what in IServer.namesAndDescriptions() if not isinstance(what, Method)]


def test_a_view_shows_what_the_interface_names() -> None:
    live = Server("a", 3, active=2, latency=0.5)
    view: Any = ServerView(live)
    assert verifyObject(IServer, view)
    assert {name: getattr(view, name) for name in ATTRIBUTES} == {
        name: getattr(live, name) for name in ATTRIBUTES
    }
    live.active = 7
    assert view.active == 7
    assert repr(view) == "<server a>"


@pytest.mark.parametrize("name", [*ATTRIBUTES, "mine", "_live"])
def test_nothing_of_a_view_can_be_written_or_taken_away(name: str) -> None:
    live = Server("a", 3)
    before = dict(vars(live))
    view = ServerView(live)
    with pytest.raises(AttributeError):
        setattr(view, name, 0)
    with pytest.raises(AttributeError):
        object.__setattr__(view, name, 0)
    with pytest.raises(AttributeError):
        delattr(view, name)
    assert vars(live) == before


@pytest.mark.parametrize("live", [Server("a"), Key(7, path="/x")])
def test_no_attribute_of_a_view_is_the_live_object(live: Any) -> None:
    view: Any = ServerView(live) if isinstance(live, Server) else KeyView(live)
    assert not hasattr(view, "__dict__")
    assert [name for name in dir(view) if getattr(view, name) is live] == []
    assert [name for name in type(view).__slots__ if hasattr(view, name)] == []


def test_a_view_is_itself_and_nothing_else() -> None:
    live = Server("a")
    assert ServerView(live) != ServerView(live)
    view = ServerView(live)
    assert {view: 1}[view] == 1


def test_the_facts_of_a_request_can_be_read_and_asked() -> None:
    key = Key(
        7,
        4711,
        path="/x",
        host="h.example",
        hash_key="k",
        facts={"header x-tenant": "blue", "cookie sid": "s"},
    )
    view: Any = KeyView(key)
    assert verifyObject(IKey, view)
    assert (view.client, view.client_port, view.path, view.host, view.hash_key) == (
        key.client, 4711, "/x", "h.example", "k",
    )  # fmt: skip
    assert (view.header("x-tenant"), view.cookie("sid"), view.query("q"), view.group(1)) == (
        "blue",
        "s",
        None,
        None,
    )
    for name in ("path", "header", "host"):
        with pytest.raises(AttributeError):
            setattr(view, name, "/y")
    assert key.path == "/x"

"""The vocabularies are closed and light, and whatever concerns a server says whose."""

from __future__ import annotations

from typing import get_args

import pytest

from director.l7.proxy.commands import (
    CONNECTION,
    ONLY_STREAM,
    Do,
    Door,
    Expired,
    Happened,
    Open,
    ProxyCommand,
    ProxyEvent,
    ServerCommand,
    ServerEvent,
)
from director.l7.proxy.conversation import Conversation
from director.model.pools import Address
from tests.support.playbook import World, pool

CLASSES = [one for one in (*get_args(ProxyCommand), *get_args(ProxyEvent)) if one not in (Do, Happened)]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_values_are_light(kind: type) -> None:
    """Two or three are made for each request: no dictionary for each."""
    assert not hasattr(object.__new__(kind), "__dict__")


@pytest.mark.parametrize(
    "kind", [*get_args(ServerCommand), *get_args(ServerEvent)], ids=lambda kind: kind.__name__
)
def test_what_concerns_a_server_says_whose(kind: type) -> None:
    assert "stream" in kind.__slots__  # type: ignore[attr-defined]


@pytest.mark.parametrize("vocabulary", [Happened, Do])
def test_each_word_is_explained_once(vocabulary: type[Happened | Do]) -> None:
    assert len({one.value for one in vocabulary}) == len(vocabulary.__members__)


def test_streams_are_numbered_as_http_2_does() -> None:
    """RFC 9113 5.1.1: 0 is the connection, and the client's are odd; RFC 7540 3.2: 1 is HTTP/1.1's."""
    assert (CONNECTION, ONLY_STREAM) == (0, 1)


def test_a_server_is_asked_for_once_for_each_stream() -> None:
    wish = Open(7, Address("10.0.0.1", 80), True, False)
    assert (wish.stream, wish.target, wish.fresh, wish.careful) == (7, Address("10.0.0.1", 80), True, False)


def test_who_holds_things_up_is_said_only_when_somebody_does() -> None:
    event = Expired(3)
    assert (event.stream, event.client_stalls, event.server_stalls, event.moving) == (3, False, False, False)


def test_a_conversation_is_a_door() -> None:
    door: Door = World(pool("web", "a")).talk
    assert isinstance(door, Conversation)
    assert door.deadline == 30.0
    assert door.due(29.9) == ()
    assert door.due(30.0) == (CONNECTION,)

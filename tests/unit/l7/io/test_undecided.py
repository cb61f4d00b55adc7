from __future__ import annotations

import pytest

from director.l7.io.undecided import PREFACE, Undecided
from director.l7.proxy.commands import ClientBytes, Door, Open, ProxyCommand, ToClient
from director.l7.proxy.conversation import Conversation
from director.l7.proxy.multiplexed import Multiplexed
from director.l7.routing.facts import Peer
from director.model.pools import Address, Pool, Server
from tests.support.playbook import World


class First:
    """A client of whom nothing is known."""

    def __init__(self) -> None:
        world = World(Pool("web", (Server("a", Address("10.0.0.1", 80)),)))
        self.made = Undecided(world.handle, Peer("192.0.2.7", 1, "198.51.100.1", 80), 0.0)
        self.doors: list[Door] = []
        self.made.decided = self.doors.append


@pytest.mark.parametrize("size", [1, 7, 24, 100])
def test_the_preface_makes_it_http_2(size: int) -> None:
    first = First()
    octets = PREFACE + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
    commands: list[ProxyCommand] = []
    for at in range(0, len(octets), size):
        door: Door = first.doors[0] if first.doors else first.made
        commands += door.client_bytes(octets[at : at + size], 0.0)
    (found,) = first.doors
    assert isinstance(found, Multiplexed)
    assert not found.closing
    assert isinstance(commands[0], ToClient)
    assert commands[0].data[3:4] == b"\x04"  # SETTINGS first (RFC 9113 3.4)


def test_anything_else_is_http_1() -> None:
    first = First()
    commands = first.made.receive(ClientBytes(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 0.0)
    assert isinstance(first.doors[0], Conversation)
    assert any(isinstance(one, Open) for one in commands)


def test_a_method_that_begins_like_the_preface_waits() -> None:
    first = First()
    assert first.made.client_bytes(b"PRI", 0.0) == []
    first.made.client_bytes(b"NT / HTTP/1.1\r\nHost: a\r\n\r\n", 0.0)
    assert isinstance(first.doors[0], Conversation)

"""What an exchange may ask of its connection: HTTP/1's answer to it."""

from __future__ import annotations

from director.l7.proxy.client import Client
from director.l7.proxy.commands import ONLY_STREAM, Do, Happened
from tests.support.playbook import World, pool


def client() -> Client:
    return World(pool("web", "a")).talk


def test_octets_behind_a_head_are_given_once() -> None:
    one = client()
    one.give_back(b"abc")
    assert (one.taken(), one.taken()) == (b"abc", b"")


def test_a_pause_and_its_end_are_said_once() -> None:
    one = client()
    one.pause(ONLY_STREAM)
    one.pause(ONLY_STREAM)
    assert (one.out, one.paused) == ([Do.PAUSE_CLIENT], True)
    one.resume(ONLY_STREAM)
    one.resume(ONLY_STREAM)
    assert (one.out, one.paused) == ([Do.PAUSE_CLIENT, Do.RESUME_CLIENT], False)


def test_a_break_shows_in_the_framing_or_by_a_reset() -> None:
    """RFC 9112 8: where the end of the connection is the end of the response, it must not look like one."""
    one = client()
    one.cut(ONLY_STREAM, visible=True)
    assert one.out == [Do.CLOSE_CLIENT]
    one = client()
    one.cut(ONLY_STREAM, visible=False)
    assert one.out == [Do.ABORT_CLIENT]


def test_no_request_follows_on_a_connection_that_drains() -> None:
    world = World(pool("web", "a"))
    assert world.talk.can_stay()
    world.deliver(Happened.DRAIN)
    assert not world.talk.can_stay()

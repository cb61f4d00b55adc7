"""Several addresses of one name: the first that answers wins, the dead ones are remembered (RFC 8305)."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.task import Clock

from director.l7.io import attempts as module
from director.l7.io.attempts import ADDRESSES_TRIED, STAGGER_SECONDS, Attempts, open_stream
from director.l7.io.resolver import AVOIDED_SECONDS, HostAddress, Resolver
from director.l7.io.stream import Stream
from tests.support.loops import Loop, Owner, loop_of


class Connecting:
    """A stream whose outcome the test says."""

    def __init__(self, target: tuple[str, int], owner: Any) -> None:
        self.target, self.owner = target, owner
        self.aborted = False

    def abort(self) -> None:
        self.aborted = True
        assert self.owner is None, "whose end is nobody's news"


class Bed:
    """Attempts whose sockets are the test's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *literals: str) -> None:
        self.clock = Clock()
        self.resolver = Resolver(self.clock)
        self.opened: list[Connecting] = []
        self.told: list[str] = []
        self.full = False
        self.addresses = [HostAddress(socket.AF_INET, literal) for literal in literals]
        monkeypatch.setattr(module, "open_stream", self._open)
        self.attempts = Attempts(
            self.clock, self.resolver, tuple(self.addresses), 80, self._connected, self._failed
        )
        self.attempts.start()

    def _open(
        self, _reactor: object, _family: object, target: Any, owner: Any, _manner: object = None
    ) -> Any:
        if self.full:
            raise OSError(24, "Too many open files")
        self.opened.append(Connecting(target, owner))
        return self.opened[-1]

    def _connected(self, stream: Any, address: HostAddress) -> None:
        assert stream.target == (address.literal, 80)
        self.told.append(f"connected {address.literal}")

    def _failed(self, reason: str) -> None:
        self.told.append(f"failed {reason}")

    @property
    def tried(self) -> list[str]:
        return [one.target[0] for one in self.opened]

    @property
    def avoided(self) -> list[str]:
        return [
            one.literal
            for one in self.addresses
            if one.avoided_until == AVOIDED_SECONDS + self.clock.seconds()
        ]


def test_an_address_that_refuses_gives_way_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    bed = Bed(monkeypatch, "192.0.2.1", "192.0.2.2")
    assert bed.tried == ["192.0.2.1"]
    bed.opened[0].owner.lost("connection refused")
    assert (bed.tried, bed.avoided) == (["192.0.2.1", "192.0.2.2"], ["192.0.2.1"])
    bed.opened[1].owner.connected()
    assert (bed.told, bed.clock.getDelayedCalls()) == (["connected 192.0.2.2"], [])


def test_an_address_that_is_silent_shares_the_try_with_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    bed = Bed(monkeypatch, "192.0.2.1", "192.0.2.2", "192.0.2.3")
    bed.clock.advance(STAGGER_SECONDS)
    assert bed.tried == ["192.0.2.1", "192.0.2.2"]
    bed.opened[1].owner.connected()
    assert (bed.told, bed.avoided) == (["connected 192.0.2.2"], ["192.0.2.1"])
    assert [one.aborted for one in bed.opened] == [True, False]
    bed.clock.advance(60.0)
    assert len(bed.opened) == 2


def test_the_slower_one_may_still_win(monkeypatch: pytest.MonkeyPatch) -> None:
    bed = Bed(monkeypatch, "192.0.2.1", "192.0.2.2")
    bed.clock.advance(STAGGER_SECONDS)
    bed.opened[0].owner.connected()
    assert (bed.told, bed.avoided) == (["connected 192.0.2.1"], [])


def test_the_last_reason_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    bed = Bed(monkeypatch, "192.0.2.1", "192.0.2.2")
    bed.clock.advance(STAGGER_SECONDS)
    bed.opened[1].owner.lost("connection refused")
    assert bed.told == []
    bed.opened[0].owner.lost("no route to host")
    bed.attempts.give_up()
    assert bed.told == ["failed no route to host"]


def test_who_gives_up_remembers_what_was_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    bed = Bed(monkeypatch, "192.0.2.1", "192.0.2.2")
    bed.clock.advance(STAGGER_SECONDS)
    bed.attempts.give_up()
    assert (bed.told, bed.avoided) == (["failed given up"], ["192.0.2.1"])
    assert [one.aborted for one in bed.opened] == [True, True]


def test_no_more_are_tried_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    bed = Bed(monkeypatch, *(f"192.0.2.{number}" for number in range(20)))
    for number in range(ADDRESSES_TRIED):
        bed.opened[number].owner.lost("connection refused")
    assert (len(bed.opened), bed.told) == (ADDRESSES_TRIED, ["failed connection refused"])


def test_without_descriptors_no_address_is_to_blame(monkeypatch: pytest.MonkeyPatch) -> None:
    bed = Bed(monkeypatch, "192.0.2.1", "192.0.2.2", "192.0.2.3")
    bed.full = True
    bed.clock.advance(STAGGER_SECONDS)
    assert bed.told == []
    bed.opened[0].owner.connected()
    assert (bed.told, bed.avoided) == (["connected 192.0.2.1"], [])


def test_without_descriptors_for_the_first_it_fails_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> Stream:
        raise OSError(24, "Too many open files")

    clock, told = Clock(), list[str]()
    monkeypatch.setattr(module, "open_stream", none)
    address = HostAddress(socket.AF_INET, "192.0.2.1")
    attempts = Attempts(clock, Resolver(clock), (address,), 80, lambda *_: None, told.append)
    attempts.start()
    assert told == []
    clock.advance(0)
    assert (told, address.avoided_until) == (["out of file descriptors"], 0.0)


@pytest.fixture
def loop() -> Iterator[Loop]:
    with loop_of() as made:
        yield made


def test_a_connect_that_fails_at_once_is_told_later(loop: Loop) -> None:
    """A broadcast address cannot be connected to (connect(2), ENETUNREACH or EACCES)."""
    owner = Owner()
    stream = open_stream(loop.reactor, socket.AF_INET, ("255.255.255.255", 9), owner)
    assert isinstance(stream, Stream)
    assert owner.told == []
    loop.turn(lambda: owner.told)
    assert owner.told[0].startswith("lost ")

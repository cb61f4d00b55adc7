"""The lean reactor: a reactor like any other, on a clock that never jumps."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.interfaces import IReactorCore, IReactorFDSet, IReactorTCP, IReactorTime
from zope.interface.verify import verifyObject

from director.l7.io.reactor import LeanReactor
from tests.support.loops import loop_of


class Reading:
    """A descriptor that keeps what it reads; BlockingIOError when nothing came."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.lost = 0
        self.read = b""

    def fileno(self) -> int:
        return self.sock.fileno()

    def logPrefix(self) -> str:
        return "reading"

    def doRead(self) -> None:
        self.read += self.sock.recv(100)

    def connectionLost(self, reason: object) -> None:
        self.lost += 1


class Broken(Reading):
    """A descriptor whose reading fails."""

    def doRead(self) -> None:
        raise ValueError("a defect")


def test_it_provides_what_the_stock_one_does() -> None:
    with loop_of(LeanReactor) as loop:
        for interface in (IReactorCore, IReactorFDSet, IReactorTCP, IReactorTime):
            assert verifyObject(interface, loop.reactor)


def test_its_clock_is_monotonic() -> None:
    with loop_of(LeanReactor) as loop:
        assert abs(loop.reactor.seconds() - time.monotonic()) < 1


def test_a_descriptor_that_fails_costs_only_itself() -> None:
    near, far = socket.socketpair()
    with loop_of(LeanReactor) as loop, near, far:
        broken = Broken(near)
        loop.reactor.addReader(broken)
        far.send(b"x")
        loop.turn(lambda: broken.lost)
        assert broken not in loop.reactor.getReaders()


class Closing(Reading):
    """Closes another descriptor as soon as it reads, and opens one that gets its number."""

    def __init__(self, sock: socket.socket, reactor: Any, other: Reading, fresh: Reading) -> None:
        super().__init__(sock)
        self.reactor, self.other, self.fresh = reactor, other, fresh

    def doRead(self) -> None:
        super().doRead()
        if self.other.sock.fileno() >= 0:
            number = self.other.sock.fileno()
            self.reactor.removeReader(self.other)
            self.other.sock.close()
            os.dup2(self.fresh.sock.fileno(), number)
            self.fresh.sock = socket.socket(fileno=number)
            self.reactor.addReader(self.fresh)


def test_the_hang_up_of_who_was_closed_in_this_turn_is_not_that_of_who_got_its_number() -> None:
    """Whichever of the two events comes first, the new descriptor lives, and reads what comes for it."""
    near, far = socket.socketpair()
    doomed, gone = socket.socketpair()
    young, friend = socket.socketpair()
    with near, far, young, friend, loop_of(LeanReactor) as loop:
        fresh, other = Reading(young), Reading(doomed)
        first = Closing(near, loop.reactor, other, fresh)
        loop.reactor.addReader(first)
        loop.reactor.addReader(other)
        far.send(b"x")
        gone.close()
        loop.turn(lambda: first.read)
        friend.send(b"y")
        loop.turn(lambda: fresh.read)
        assert (fresh.lost, fresh.read) == (0, b"y")
        loop.reactor.removeReader(fresh)
        fresh.sock.close()


class HeldUp:
    """A poller from which the first look comes back empty-handed, three seconds late (SIGSTOP, SIGCONT)."""

    def __init__(self, poller: Any, clock: list[float]) -> None:
        self.poller, self.clock, self.timeouts = poller, clock, list[float]()

    def poll(self, timeout: float, most: int) -> Any:
        self.timeouts.append(timeout)
        if len(self.timeouts) == 1:
            self.clock[0] += 3.0
            return []
        return self.poller.poll(0, most)


def test_after_a_hold_up_the_sockets_are_looked_at_before_a_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's `poll` returns without a look when a stop has eaten its time-out (PEP 475)."""
    clock = [100.0]
    monkeypatch.setattr("director.l7.io.reactor.time", SimpleNamespace(monotonic=lambda: clock[0]))
    near, far = socket.socketpair()
    with loop_of(LeanReactor) as loop, near, far:
        reading = Reading(near)
        loop.reactor.addReader(reading)
        far.send(b"answer")
        poller = loop.reactor._poller
        held_up = loop.reactor._poller = HeldUp(poller, clock)
        loop.reactor.doIteration(0.1)
        assert (reading.read, held_up.timeouts) == (b"answer", [0.1, 0])
        # In time there is one look only.
        loop.reactor.doIteration(0.1)
        assert held_up.timeouts == [0.1, 0, 0.1]
        loop.reactor._poller = poller
        loop.reactor.removeReader(reading)


def test_it_knows_what_the_last_poll_saw(monkeypatch: pytest.MonkeyPatch) -> None:
    near, far = socket.socketpair()
    with loop_of(LeanReactor) as loop, near, far:
        reading = Reading(near)
        loop.reactor.addReader(reading)
        loop.reactor.doIteration(0)
        assert (loop.reactor.turns, near.fileno() in loop.reactor.ready) == (1, False)
        far.send(b"x")
        loop.reactor.doIteration(0)
        assert (loop.reactor.turns, near.fileno() in loop.reactor.ready) == (2, True)
        # As many as are taken per turn: there may be more.
        monkeypatch.setattr("director.l7.io.reactor.EVENTS_PER_TURN", 1)
        far.send(b"y")
        loop.reactor.doIteration(0)
        assert loop.reactor.ready is None
        loop.reactor.removeReader(reading)


def test_installed_it_is_the_reactor() -> None:
    script = (
        "from director.l7.io.reactor import install; install(); from twisted.internet import reactor; "
        "reactor.callLater(0.01, reactor.stop); reactor.run(); print(type(reactor).__name__)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "LeanReactor"

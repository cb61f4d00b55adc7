"""The lean reactor: a reactor like any other, on a clock that never jumps."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from typing import Any

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


def test_installed_it_is_the_reactor() -> None:
    script = (
        "from director.l7.io.reactor import install; install(); from twisted.internet import reactor; "
        "reactor.callLater(0.01, reactor.stop); reactor.run(); print(type(reactor).__name__)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "LeanReactor"

"""The lean reactor: a reactor like any other, on a clock that never jumps."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

from twisted.internet.interfaces import IReactorCore, IReactorFDSet, IReactorTCP, IReactorTime
from zope.interface.verify import verifyObject

from director.l7.io.reactor import LeanReactor
from tests.support.loops import loop_of


class Broken:
    """A descriptor whose reading fails."""

    def __init__(self, sock: Any) -> None:
        self.sock = sock
        self.lost = 0

    def fileno(self) -> int:
        return int(self.sock.fileno())

    def logPrefix(self) -> str:
        return "broken"

    def doRead(self) -> None:
        raise ValueError("a defect")

    def connectionLost(self, reason: object) -> None:
        self.lost += 1


def test_it_provides_what_the_stock_one_does() -> None:
    with loop_of(LeanReactor) as loop:
        for interface in (IReactorCore, IReactorFDSet, IReactorTCP, IReactorTime):
            assert verifyObject(interface, loop.reactor)


def test_its_clock_is_monotonic() -> None:
    with loop_of(LeanReactor) as loop:
        assert abs(loop.reactor.seconds() - time.monotonic()) < 1


def test_a_descriptor_that_fails_costs_only_itself() -> None:
    import socket

    near, far = socket.socketpair()
    with loop_of(LeanReactor) as loop, near, far:
        broken = Broken(near)
        loop.reactor.addReader(broken)
        far.send(b"x")
        loop.turn(lambda: broken.lost)
        assert broken not in loop.reactor.getReaders()


def test_installed_it_is_the_reactor() -> None:
    script = (
        "from director.l7.io.reactor import install; install(); from twisted.internet import reactor; "
        "reactor.callLater(0.01, reactor.stop); reactor.run(); print(type(reactor).__name__)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "LeanReactor"

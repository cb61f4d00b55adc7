"""Echoes of this machine, with the right that a raw socket needs."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest
from twisted.internet.interfaces import IReadDescriptor
from zope.interface.verify import verifyObject

from director.health.io.echo import Echo
from tests.support.loops import Loop, loop_of

root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: opens a raw socket")


@pytest.fixture
def loop() -> Iterator[Loop]:
    with loop_of() as made:
        yield made


@root
@pytest.mark.parametrize("host", ["127.0.0.1", "127.99.1.2", "::1"])
def test_this_machine_replies(loop: Loop, host: str) -> None:
    told: list[tuple[bool, str]] = []
    echo = Echo(loop.reactor, host, lambda alive, reason: told.append((alive, reason)))
    assert verifyObject(IReadDescriptor, echo)
    loop.turn(lambda: told)
    assert told == [(True, "echo reply")]
    assert (echo.fileno(), echo in loop.reactor.getReaders()) == (-1, False)


@root
def test_what_is_cut_says_nothing(loop: Loop) -> None:
    told: list[tuple[bool, str]] = []
    echo = Echo(loop.reactor, "127.0.0.1", lambda alive, reason: told.append((alive, reason)))
    echo.cut()
    echo.cut()
    loop.quiet()
    assert (told, echo.fileno()) == ([], -1)


def test_without_the_right_it_is_an_error(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> socket.socket:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("director.health.io.echo.socket.socket", refuse)
    with pytest.raises(PermissionError):
        Echo(loop.reactor, "127.0.0.1", lambda *_: None)

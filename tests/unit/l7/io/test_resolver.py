"""Names of servers, with a thread pool that works at once."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from director.l7.io.resolver import KEPT_SECONDS, Names, Place, ask_system

FIRST: Place = (socket.AF_INET, "192.0.2.1")
SECOND: Place = (socket.AF_INET6, "2001:db8::2")


class Pool:
    """Keeps work until the test lets it be done."""

    def __init__(self) -> None:
        self.work: list[Callable[[], None]] = []

    def callInThreadWithCallback(self, done: Any, work: Callable[..., Any], *given: Any) -> None:
        def run() -> None:
            try:
                result = work(*given)
            except OSError as error:
                done(False, Failure(error))
            else:
                done(True, result)

        self.work.append(run)


class Reactor(Clock):
    """A clock with that pool."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = Pool()

    def getThreadPool(self) -> Pool:
        return self.pool

    @staticmethod
    def callFromThread(work: Callable[..., Any], *given: Any) -> None:
        work(*given)


def names(*places: Place) -> tuple[Names, Reactor]:
    def ask(_host: str) -> list[Place]:
        if not places:
            raise socket.gaierror("no such name")
        return list(places)

    reactor = Reactor()
    return Names(reactor, ask), reactor


def test_who_asks_for_the_same_name_waits_along() -> None:
    asked, reactor = names(FIRST)
    heard: list[Place | None] = []
    for _ in range(3):
        asked.ask("web.example", heard.append)
    assert (len(reactor.pool.work), heard) == (1, [])
    reactor.pool.work[0]()
    assert heard == [FIRST] * 3
    assert asked.asked == 1


def test_addresses_are_taken_in_turn_and_forgotten_in_time() -> None:
    asked, reactor = names(FIRST, SECOND)
    assert asked.known("web.example") is None
    heard: list[Place | None] = []
    asked.ask("web.example", heard.append)
    reactor.pool.work[0]()
    assert [*heard, asked.known("web.example"), asked.known("web.example")] == [FIRST, SECOND, FIRST]
    reactor.advance(KEPT_SECONDS)
    assert asked.known("web.example") is None


def test_no_answer_is_told_and_not_kept() -> None:
    asked, reactor = names()
    heard: list[Place | None] = []
    asked.ask("web.example", heard.append)
    reactor.pool.work[0]()
    assert (heard, asked.failed) == ([None], 1)
    asked.ask("web.example", heard.append)
    assert len(reactor.pool.work) == 2


def test_a_name_without_an_address_is_an_event_once_for_each_episode() -> None:
    places: list[Place] = []
    reactor = Reactor()

    def answer(_host: str) -> list[Place]:
        if not places:
            raise socket.gaierror("no such name")
        return list(places)

    asked = Names(reactor, answer)
    heard: list[Place | None] = []
    said: list[str] = []

    @implementer(ILogObserver)
    def observer(event: LogEvent) -> None:
        said.append(formatEvent(event))

    globalLogPublisher.addObserver(observer)
    try:
        for now_known in ((), (), (FIRST,), ()):
            places[:] = now_known
            asked.ask("web.example", heard.append)
            reactor.pool.work.pop()()
    finally:
        globalLogPublisher.removeObserver(observer)
    first, second, third = said
    assert first.startswith("the name web.example cannot be resolved, so its servers cannot be reached; ")
    assert (second, third) == ("the name web.example can be resolved again", first)


def test_the_system_knows_literals_of_both_families() -> None:
    assert ask_system("127.0.0.1") == [(socket.AF_INET, "127.0.0.1")]
    assert ask_system("::1") == [(socket.AF_INET6, "::1")]

"""Names of servers, with a thread pool that works at once."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from director.l7.io.resolver import (
    AVOIDED_SECONDS,
    FRESH_SECONDS,
    KEPT_SECONDS,
    Addresses,
    Found,
    Resolver,
    ask_system,
)


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


class Asked:
    """A resolver, and what the system answers it."""

    def __init__(self, *found: Found) -> None:
        self.answer: list[Found] | OSError = list(found)
        self.reactor = Reactor()
        self.resolver = Resolver(self.reactor, self._ask)
        self.heard: list[list[str]] = []

    def _ask(self, _host: str) -> list[Found]:
        if isinstance(self.answer, OSError):
            raise self.answer
        return list(self.answer)

    def ask(self) -> None:
        self.resolver.ask("web.example", lambda found: self.heard.append(literals(found)))

    def come(self) -> None:
        """The answer of the oldest look-up comes."""
        self.reactor.pool.work.pop(0)()

    def known(self) -> list[str]:
        return literals(self.resolver.known("web.example"))


def literals(addresses: Addresses) -> list[str]:
    return [address.literal for address in addresses]


FIRST: Found = (socket.AF_INET, "192.0.2.1")
SECOND: Found = (socket.AF_INET6, "2001:db8::2")
THIRD: Found = (socket.AF_INET, "192.0.2.3")
NO_SUCH_NAME = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
NO_ANSWER = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


def test_who_asks_for_the_same_name_waits_along() -> None:
    asked = Asked(FIRST)
    for _ in range(3):
        asked.ask()
    assert (len(asked.reactor.pool.work), asked.heard) == (1, [])
    asked.come()
    assert asked.heard == [[FIRST[1]]] * 3
    assert asked.resolver.asked == 1


def test_each_time_another_address_comes_first_and_all_are_forgotten_in_time() -> None:
    asked = Asked(FIRST, SECOND, THIRD)
    assert asked.known() == []
    asked.ask()
    asked.come()
    one, two, three = FIRST[1], SECOND[1], THIRD[1]
    assert [*asked.heard, asked.known(), asked.known()] == [
        [one, two, three],
        [two, three, one],
        [three, one, two],
    ]
    asked.reactor.advance(KEPT_SECONDS)
    assert asked.known() == []


def test_a_dead_address_stands_behind_the_others_for_a_while() -> None:
    asked = Asked(FIRST, SECOND)
    asked.ask()
    asked.come()
    dead = next(one for one in asked.resolver.known("web.example") if one.literal == FIRST[1])
    asked.resolver.avoid(dead)
    assert [asked.known()[0] for _ in range(4)] == [SECOND[1]] * 4
    for _ in range(int(AVOIDED_SECONDS / FRESH_SECONDS)):
        asked.reactor.advance(FRESH_SECONDS)
        asked.resolver.refresh("web.example")
        asked.come()
    assert {asked.known()[0] for _ in range(2)} == {FIRST[1], SECOND[1]}


def test_no_answer_is_told_and_not_kept() -> None:
    asked = Asked()
    asked.answer = NO_SUCH_NAME
    asked.ask()
    asked.come()
    assert (asked.heard, asked.resolver.failed) == ([[]], 1)
    asked.ask()
    assert len(asked.reactor.pool.work) == 1


def test_a_name_in_use_is_asked_for_again_before_anybody_has_to_wait() -> None:
    asked = Asked(FIRST)
    asked.ask()
    asked.come()
    asked.resolver.refresh("web.example")
    assert asked.reactor.pool.work == []
    asked.reactor.advance(FRESH_SECONDS)
    asked.resolver.refresh("web.example")
    asked.resolver.refresh("web.example")
    assert len(asked.reactor.pool.work) == 1
    asked.come()
    asked.reactor.advance(KEPT_SECONDS - 1)
    assert asked.known() == [FIRST[1]]


@pytest.mark.parametrize(
    ("answer", "gone", "known"),
    [
        ([SECOND], True, [SECOND[1]]),
        ([SECOND, FIRST], False, [FIRST[1], SECOND[1]]),
        ([], True, []),
        (NO_SUCH_NAME, True, []),
        # Nobody says that it is gone.
        (NO_ANSWER, False, [FIRST[1]]),
    ],
    ids=["another", "one more", "none", "no such name", "no answer"],
)
def test_an_address_is_gone_when_an_answer_comes_without_it(
    answer: list[Found] | OSError, gone: bool, known: list[str]
) -> None:
    asked = Asked(FIRST)
    asked.ask()
    asked.come()
    (address,) = asked.resolver.known("web.example")
    asked.reactor.advance(FRESH_SECONDS)
    asked.answer = answer
    asked.resolver.refresh("web.example")
    asked.come()
    assert (address.gone, sorted(asked.known())) == (gone, sorted(known))


def test_a_name_without_an_address_is_an_event_once_for_each_episode() -> None:
    asked = Asked()
    heard: list[str] = []

    @implementer(ILogObserver)
    def observer(event: LogEvent) -> None:
        heard.append(formatEvent(event))

    globalLogPublisher.addObserver(observer)
    try:
        for answer in (NO_SUCH_NAME, NO_ANSWER, [FIRST], NO_ANSWER, NO_SUCH_NAME):
            asked.answer = answer
            asked.ask()
            asked.come()
    finally:
        globalLogPublisher.removeObserver(observer)
    first, second, third = heard
    assert first.startswith("the name web.example cannot be resolved, so its servers cannot be reached; ")
    assert (second, third) == ("the name web.example can be resolved again", first)


def test_the_system_knows_literals_of_both_families() -> None:
    assert ask_system("127.0.0.1") == [(socket.AF_INET, "127.0.0.1")]
    assert ask_system("::1") == [(socket.AF_INET6, "::1")]

"""Two ends of a channel, over a real socket pair."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory

from director.errors import ChangeRefused, DirectorError
from director.program.processes import channel
from director.program.processes.channel import PIECE, Channel, Gone
from tests.support.loops import Loop, loop_of
from tests.support.said import said


class Pair:
    """A channel's two ends."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.lost: list[str] = []
        answers: dict[str, Callable[[Any], Any]] = {
            "echo": lambda value: value,
            "refuse": self._refuse,
            "fault": lambda value: 1 // value,
            "later": lambda _: self.later,
        }
        self.later: Deferred[str] = Deferred()
        self.here = Channel({"name": lambda _: "here"}, lambda: self.lost.append("here"))
        self.there = Channel(answers, lambda: self.lost.append("there"))
        for end, sock in zip((self.here, self.there), socket.socketpair(), strict=True):
            sock.setblocking(False)
            factory = Factory.forProtocol(partial(_same, end))
            loop.reactor.adoptStreamConnection(sock.fileno(), socket.AF_UNIX, factory)
            sock.close()

    @staticmethod
    def _refuse(value: str) -> None:
        raise ChangeRefused("EINVAL", f"{value} is not wanted: é", "x")

    def ask(self, word: str, value: Any = None) -> Any:
        done: list[Any] = []
        self.here.ask(word, value).addBoth(done.append)
        self.loop.turn(lambda: done)
        return done[0]


@pytest.fixture
def pair() -> Iterator[Pair]:
    with loop_of() as loop:
        made = Pair(loop)
        yield made
        for end in (made.here, made.there):
            end.close()
        loop.turn(lambda: len(made.lost) == 2)


@pytest.mark.parametrize("size", [0, 1, PIECE - 3, PIECE - 2, PIECE - 1, PIECE, 2 * PIECE - 2, 5 * PIECE + 7])
def test_a_text_of_any_size_comes_back_whole(pair: Pair, size: int) -> None:
    """AMP itself ends at 65 535 octets."""
    assert pair.ask("echo", "x" * size) == "x" * size


def test_values_are_json_and_many_may_be_under_way(pair: Pair) -> None:
    done: list[Any] = []
    for value in (["é", 1.5, None, {"a": [True]}], "y" * 3 * PIECE, 7):
        pair.here.ask("echo", value).addBoth(done.append)
    pair.loop.turn(lambda: len(done) == 3)
    assert done == [["é", 1.5, None, {"a": [True]}], "y" * 3 * PIECE, 7]


def test_both_ends_ask(pair: Pair) -> None:
    done: list[Any] = []
    pair.there.ask("name").addBoth(done.append)
    pair.loop.turn(lambda: done)
    assert done == ["here"]


def test_what_is_refused_arrives_with_its_words(pair: Pair) -> None:
    failure = pair.ask("refuse", "it")
    assert failure.check(DirectorError)
    assert failure.getErrorMessage() == "it is not wanted: é"
    assert "this version does not know 'nonsense'" in pair.ask("nonsense").getErrorMessage()


def test_a_fault_is_logged_where_it_happened_and_costs_the_answer_alone(pair: Pair) -> None:
    with said() as lines:
        assert "a fault of the director while it answered fault" in pair.ask("fault", 0).getErrorMessage()
    assert "a fault of the director while it answered fault" in lines[0]
    assert pair.ask("echo", 1) == 1


def test_a_socket_is_handed_over_under_its_name_before_the_next_question(pair: Pair) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = server.getsockname()
        pair.here.hand("www", server.fileno())
        pair.here.hand("www", server.fileno())
        pair.ask("echo")
    given = socket.socket(fileno=pair.there.handed.pop("www"))
    assert given.getsockname() == place
    assert not given.get_inheritable()
    with socket.create_connection(place, 1):
        given.accept()[0].close()
    given.close()


def test_when_the_other_end_goes_what_was_asked_fails(pair: Pair) -> None:
    done: list[Any] = []
    pair.here.ask("later").addBoth(done.append)
    pair.there.close()
    pair.loop.turn(lambda: done)
    assert done[0].check(Gone)
    assert pair.ask("echo").check(Gone)
    pair.here.tell("echo")
    assert not pair.here.open


def test_who_owes_too_many_answers_is_not_asked_any_more(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "WAITING", 2)
    for _ in range(2):
        pair.here.tell("later")
    assert pair.ask("echo").getErrorMessage() == "the process does not answer any more"
    pair.later.callback("now")
    pair.loop.turn(lambda: not pair.here._waiting)
    assert pair.ask("echo", 1) == 1


def test_a_text_without_end_ends_the_connection(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "LARGEST", 2 * PIECE)
    assert pair.ask("echo", "x" * 4 * PIECE).check(Gone)


def _same(end: Channel) -> Channel:
    return end

"""The clock and the registry are the test's; the real program is in `tests/integration/test_admin.py`."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from director.admin.control import Applied, ConfirmWithin
from director.errors import ChangeRefused, DirectorError
from director.plugins import UserFiles
from director.program.candidate import Candidate
from director.program.confirmation import Confirmation
from director.registry.registry import Generation
from director.registry.reload_guard import ENOUGH
from tests.support.said import said
from tests.unit.admin import sample

MINUTE = ConfirmWithin(60.0)


def candidate() -> Candidate:
    return Candidate(None, UserFiles())


def applied(number: int, *diff: str) -> Applied:
    return Applied(Generation(number, "ops", 0.0, diff or ("x",)))


class World:
    """A director in which reloads always succeed."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.registry = sample.control().registry
        self.taken: list[Candidate] = []
        self.authors: list[str] = []
        self.answer: Deferred[Any] = succeed(applied(9))
        self.confirmation = Confirmation(self.registry, self.clock, self._back, lambda: None)
        self.running = candidate()
        self.number = 1

    def _back(self, base: Candidate, author: str, origin: str) -> Deferred[Any]:
        self.taken.append(base)
        self.authors.append(author)
        return self.answer

    def reload(self, asked: ConfirmWithin | None, *diff: str) -> Candidate:
        """Another candidate runs; returns what ran before."""
        before, self.number = self.running, self.number + 1
        waiting = self.confirmation.before(before, "ops", asked)
        self.running = candidate()
        self.confirmation.after(applied(self.number, *diff), waiting)
        return before

    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.confirmation.look()

    def answers(self, good: int, bad: int) -> None:
        responses = self.registry.services["l7:www"].requests.responses
        responses[2] += good
        responses[5] += bad


@pytest.fixture
def world() -> World:
    return World()


def test_what_nobody_confirms_is_taken_back_once(world: World) -> None:
    base = world.reload(MINUTE)
    waiting = world.confirmation.waiting()
    assert waiting is not None
    assert (waiting.number, waiting.author, waiting.seconds) == (2, "ops", 60.0)
    world.wait(59.9)
    assert world.taken == []
    world.wait(0.2)
    world.wait(60.0)
    assert world.taken == [base]
    assert world.confirmation.waiting() is None
    with pytest.raises(ChangeRefused) as refused:
        world.confirmation.confirm("ops")
    assert refused.value.code == "ENODATA"


def test_what_is_confirmed_stays(world: World) -> None:
    world.reload(MINUTE)
    world.wait(30.0)
    told = world.confirmation.confirm("root")
    assert (told.number, told.seconds) == (2, 30.0)
    world.wait(60.0)
    assert world.taken == []


def test_a_reload_without_the_word_confirms_the_one_before(world: World) -> None:
    world.reload(MINUTE)
    world.reload(None)
    world.wait(61.0)
    assert world.taken == []


def test_of_several_the_last_that_was_confirmed_comes_back(world: World) -> None:
    base = world.reload(MINUTE)
    world.wait(50.0)
    world.reload(MINUTE)
    world.wait(50.0)
    assert world.taken == []
    world.wait(11.0)
    assert world.taken == [base]


def test_what_changes_nothing_needs_no_confirmation(world: World) -> None:
    waiting = world.confirmation.before(world.running, "ops", MINUTE)
    world.confirmation.after(Applied(Generation(2, "ops", 0.0, ())), waiting)
    assert world.confirmation.waiting() is None


def test_answers_that_fail_take_it_back_at_once(world: World) -> None:
    world.answers(1000, 0)
    world.confirmation.remember()
    base = world.reload(MINUTE)
    world.answers(ENOUGH, 0)
    world.wait(1.0)
    assert world.taken == []
    world.answers(0, ENOUGH)
    world.wait(1.0)
    assert world.taken == [base]


def test_servers_that_go_down_take_it_back_at_once_unless_the_guard_is_off(world: World) -> None:
    world.reload(ConfirmWithin(60.0, "off"))
    for one in list(world.registry.servers()):
        world.registry.set_health(one.key, "alive", alive=False, now=200.0)
    world.wait(1.0)
    assert world.taken == []
    world.confirmation.confirm("ops")
    world.reload(MINUTE)
    world.wait(1.0)
    assert world.taken == [], "they were down before"
    world.confirmation.confirm("ops")
    for one in list(world.registry.servers()):
        world.registry.set_health(one.key, "alive", alive=True, now=201.0)
    base = world.reload(MINUTE)
    for one in list(world.registry.servers()):
        world.registry.set_health(one.key, "alive", alive=False, now=202.0)
    world.wait(1.0)
    assert world.taken == [base]


def test_it_is_taken_back_by_hand_at_once(world: World) -> None:
    base = world.reload(MINUTE)
    world.confirmation.take_back("root", "127.0.0.1")
    world.wait(61.0)
    assert (world.taken, world.authors) == ([base], ["root"])
    with pytest.raises(ChangeRefused):
        world.confirmation.take_back("root", "")


def test_what_cannot_be_taken_back_by_hand_goes_on_waiting(world: World) -> None:
    world.reload(MINUTE)
    world.answer = fail(DirectorError("the address is in use"))
    refused = world.confirmation.take_back("root", "")
    assert refused.addErrback(lambda failure: failure.trap(DirectorError)).called
    assert world.confirmation.waiting() is not None


def test_a_way_back_that_is_barred_is_said_with_what_to_do(world: World) -> None:
    world.answer = fail(DirectorError("the address is in use"))
    world.reload(MINUTE)
    with said() as lines:
        world.wait(61.0)
    assert world.confirmation.waiting() is None
    assert "the address is in use" in lines[-1]
    assert "Mend the file and reload" in lines[-1]

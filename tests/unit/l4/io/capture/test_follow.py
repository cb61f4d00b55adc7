"""The kernel follows the plan: in order, nothing twice, nothing after the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from typing import Any

import pytest

from director.errors import DirectorError
from director.l4.io.alarms import Troubles
from director.l4.io.capture.follow import ADDRESS, AT_ONCE, TROUBLE, Capture
from director.l4.io.capture.install import CaptureOutcome
from director.l4.io.capture.plan import CapturePlan, Endpoint
from tests.support.loops import Loop, loop_of

FIRST, SECOND, THIRD = (
    CapturePlan((Endpoint(6, ip_address(f"192.0.2.{number}"), 80, 80),)) for number in range(3)
)


class Installer:
    """Writes down what it is told; works only while `go` is set, as a slow kernel."""

    def __init__(self) -> None:
        self.done: list[object] = []
        self.go = threading.Event()
        self.go.set()
        self.refusal: DirectorError | None = None
        self.problems: dict[str, str] = {}
        self.damaged: str | None = None

    def apply(self, plan: CapturePlan, interfaces: Sequence[str]) -> CaptureOutcome:
        assert self.go.wait(10)
        if self.refusal is not None:
            raise self.refusal
        self.done.append((plan, list(interfaces)))
        self.damaged = None
        return CaptureOutcome(dict(self.problems))

    def damage(self, _plan: CapturePlan, _interfaces: Sequence[str]) -> str | None:
        return self.damaged

    def remove(self) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.done.append("removed")


class Place:
    """A capture, what it shall hold, and who got an answer."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.installer = Installer()
        self.plan, self.interfaces = FIRST, ["eth0"]
        self.troubles = Troubles(lambda: 0.0)
        self.answers: list[object] = []
        installer: Any = self.installer
        self.taken: list[CapturePlan] = []
        self.capture = Capture(
            loop.reactor,
            installer,
            lambda: (self.plan, list(self.interfaces)),
            lambda plan, _applied: self.taken.append(plan),
            self.troubles,
        )

    def follow(self, plan: CapturePlan | None = None) -> None:
        self.plan = plan or self.plan
        self.capture.follow().addBoth(self.answers.append)

    def answered(self, count: int) -> None:
        self.loop.turn(lambda: len(self.answers) == count)
        assert self.answers == [None] * count


@pytest.fixture
def place() -> Iterator[Place]:
    with loop_of() as loop:
        threads = loop.reactor.getThreadPool()
        threads.start()
        yield Place(loop)
        threads.stop()


def test_it_is_answered_when_the_kernel_holds_it(place: Place) -> None:
    assert "not captured yet" in place.troubles[TROUBLE]
    place.installer.go.clear()
    place.follow()
    place.loop.quiet()
    assert not place.answers
    assert not place.taken
    place.installer.go.set()
    place.answered(1)
    assert place.taken == [FIRST]
    assert place.installer.done == [(FIRST, ["eth0"])]
    assert place.troubles == {}


def test_what_the_kernel_holds_already_is_not_installed_again(place: Place) -> None:
    place.follow()
    place.answered(1)
    place.follow()
    place.answered(2)
    place.interfaces.append("eth1")
    place.follow()
    place.answered(3)
    assert place.installer.done == [(FIRST, ["eth0"]), (FIRST, ["eth0", "eth1"])]


def test_orders_that_come_meanwhile_cost_one_replacement(place: Place) -> None:
    place.installer.go.clear()
    place.follow()
    place.loop.quiet()
    for plan in (SECOND, THIRD) * 50:
        place.follow(plan)
    place.installer.go.set()
    place.answered(101)
    assert [one[0] for one in place.installer.done] == [FIRST, THIRD]  # type: ignore[index]


def test_what_others_changed_is_put_right_once(place: Place) -> None:
    place.follow()
    place.answered(1)
    place.installer.damaged = "the rules were changed"
    for _ in range(3):
        place.capture.look_soon()
    place.loop.turn(lambda: len(place.installer.done) == 2)
    place.loop.quiet()
    assert place.installer.done == [(FIRST, ["eth0"])] * 2


def test_news_about_the_rules_wait_less_than_other_news(place: Place) -> None:
    """Without its rules the host answers for the virtual addresses."""
    place.follow()
    place.answered(1)
    place.capture._looked = place.loop.reactor.seconds() + 60
    place.capture.look_soon()
    (other,) = place.loop.reactor.getDelayedCalls()
    place.capture.look_soon(AT_ONCE)
    (urgent,) = place.loop.reactor.getDelayedCalls()
    assert urgent.getTime() < other.getTime()
    place.capture.remove()


def test_a_reload_puts_right_what_others_changed(place: Place) -> None:
    place.follow()
    place.answered(1)
    place.installer.damaged = ""
    place.follow()
    place.answered(2)
    assert place.installer.done == [(FIRST, ["eth0"])] * 2


def test_an_address_that_cannot_be_added_is_a_trouble_of_its_own_until_it_can(place: Place) -> None:
    place.installer.problems = {"192.0.2.1": "cannot be added to eth0: no"}
    place.follow()
    place.answered(1)
    assert place.taken == [FIRST]
    assert place.troubles == {ADDRESS + "192.0.2.1": "virtual address 192.0.2.1 cannot be added to eth0: no"}
    assert len(place.loop.reactor.getDelayedCalls()) == 1, "it is tried again"
    place.installer.problems, place.installer.damaged = {}, ""
    place.follow()
    place.answered(2)
    assert place.troubles == {}
    for call in place.loop.reactor.getDelayedCalls():
        call.cancel()


def test_rules_that_are_refused_are_a_trouble_and_are_tried_again(place: Place) -> None:
    place.installer.refusal = DirectorError("nftables refused the rules: no")
    place.follow()
    place.answered(1)
    assert place.troubles == {TROUBLE: "virtual addresses are not captured: nftables refused the rules: no"}
    assert not place.taken
    (again,) = place.loop.reactor.getDelayedCalls()
    again.cancel()
    place.installer.refusal = None
    place.follow()
    place.answered(2)
    assert place.troubles == {}


@pytest.mark.parametrize("refusal", [None, DirectorError("no")])
def test_after_the_end_nothing_is_installed(place: Place, refusal: DirectorError | None) -> None:
    place.follow()
    place.answered(1)
    place.capture.look_soon()
    place.installer.refusal = refusal
    place.capture.remove().addBoth(place.answers.append)
    place.follow(SECOND)
    place.answered(3)
    place.capture.look_soon()
    assert place.loop.reactor.getDelayedCalls() == []
    assert place.installer.done == [(FIRST, ["eth0"]), "removed"][: 1 if refusal else 2]

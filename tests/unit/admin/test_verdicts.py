"""A verdict on answers: their shares and times, over real counters."""

from __future__ import annotations

from attrs import evolve

from director.admin.testing import MemoryControl
from director.admin.trends import History
from director.admin.verdicts import Finding, answering
from director.admin.views import ViewContext
from director.registry.reports import Instant
from tests.unit.admin import sample


class Watched:
    """The sample's pool `web`, looked at again and again."""

    def __init__(self) -> None:
        self.control: MemoryControl = sample.control()
        self.history = History()
        self.look()

    def look(self, broken: frozenset[str] = frozenset()) -> list[Finding]:
        seen, at = self.control.snapshot(), self.control.at
        self.history.sample(seen, at.now)
        return answering(ViewContext(seen, at, self.history.rates, trends=self.history.trends), broken)

    def pass_(self, seconds: float) -> None:
        at = self.control.at
        self.control.at = Instant(at.now + seconds, at.time + seconds)

    def answer(self, count: int, status: int = 2, seconds: float = 0.01, server: int = 0) -> None:
        live = self.control.registry.pools["web"].servers[server].requests
        for figures in (live, self.control.registry.services["l7:www"].requests):
            figures.requests += count
            figures.responses[status] += count
            for _ in range(count):
                figures.latency.add(seconds)


def test_a_pool_that_answers_errors_is_broken() -> None:
    watched = Watched()
    watched.answer(10, status=5)
    [found] = watched.look()
    assert (found.level, found.at) == ("error", "pool web")
    assert found.text == "answers 100% with 5xx: 10 of 10 in the last minute"
    assert "a (10 so far)" in found.doing


def test_some_errors_are_a_trouble_and_few_are_none() -> None:
    watched = Watched()
    watched.answer(90)
    watched.answer(10, status=5)
    assert [(one.level, one.at) for one in watched.look()] == [("warning", "pool web")]
    watched = Watched()
    watched.answer(97)
    watched.answer(3, status=5)
    assert watched.look() == []


def test_one_error_alone_says_nothing() -> None:
    watched = Watched()
    watched.answer(1, status=5)
    assert watched.look() == []


def test_what_is_over_is_over_and_since_when_is_kept() -> None:
    watched = Watched()
    watched.answer(10, status=5)
    begin = watched.look()[0].since
    assert begin == watched.control.at.now
    for _ in range(5):
        watched.pass_(10)
        watched.answer(10, status=5)
        assert watched.look()[0].since == begin
    for _ in range(8):
        watched.pass_(10)
        last = watched.look()
    assert last == []


def test_errors_of_the_past_are_not_those_of_now() -> None:
    watched = Watched()
    watched.answer(1000, status=5)
    for _ in range(8):
        watched.pass_(10)
        watched.look()
    watched.answer(50)
    assert watched.look() == []


def test_a_pool_that_became_slow() -> None:
    watched = Watched()
    for _ in range(12):
        watched.answer(20, seconds=0.02)
        watched.pass_(10)
        assert watched.look() == []
    for _ in range(6):
        watched.answer(20, seconds=1.0)
        watched.pass_(10)
        last = watched.look()
    assert [(one.level, one.at) for one in last] == [("warning", "pool web")]
    assert "1 s on average in the last minute, 0.02 s before" in last[0].text


def test_what_was_always_slow_is_as_it_was() -> None:
    watched = Watched()
    for _ in range(20):
        watched.answer(20, seconds=2.0)
        watched.pass_(10)
        assert watched.look() == []


def test_errors_that_no_server_made_are_the_services() -> None:
    watched = Watched()
    watched.control.registry.services["l7:www"].requests.responses[5] += 30
    assert [one.at for one in watched.look()] == ["service l7:www"]
    assert watched.look(frozenset({"pool web"})) == [], "that its pool cannot serve says it all"


def test_a_finding_is_a_value() -> None:
    found = Finding("error", "pool web", "x", None, "y")
    assert evolve(found, since=3.0).since == 3.0

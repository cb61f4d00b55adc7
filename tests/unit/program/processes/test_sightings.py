from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock

from director.model.pools import Eject, Pool
from director.model.settings import Configuration
from director.program.processes.sightings import MOST, SOON, Sightings
from director.registry import ledger
from director.registry.changes import plan
from director.registry.registry import Registry
from tests.support.registries import FirstFit, live, server, taken

POOL = Pool("web", (server("a", 1), server("b", 2)), eject=Eject(frozenset({"5xx"})))


class Told:
    def __init__(self) -> None:
        self.words: list[tuple[str, Any]] = []

    def tell(self, word: str, what: Any) -> None:
        self.words.append((word, what))


def worker() -> tuple[Registry, Sightings, Told, Clock]:
    registry, told, clock = Registry(FirstFit), Told(), Clock()
    sightings = Sightings(registry, clock, told.tell)
    registry.saw = sightings.saw
    registry.apply(plan(Configuration(), Configuration(pools=(POOL,))), "test", 0.0, 0.0)
    return registry, sightings, told, clock


def test_failures_go_out_soon_and_in_one_piece() -> None:
    registry, _, told, clock = worker()
    for status_class in (5, 5, 2, 2, 5):
        ledger.answered(taken(registry, "web"), status_class, 0.1, 0, 0, 0.0)
    assert told.words == []
    clock.advance(SOON)
    a = "10.0.0.1:80"
    assert told.words == [
        ("work", {"saw": [["web", a, "5xx", 2], ["web", a, "", 1], ["web", a, "5xx", 1]], "samples": []})
    ]
    clock.advance(1.0)
    assert len(told.words) == 1


def test_what_went_well_goes_along_when_there_was_some() -> None:
    registry, sightings, told, _ = worker()
    sightings.look()
    assert told.words == []
    ledger.answered(taken(registry, "web"), 2, 0.25, 0, 0, 0.0)
    sightings.look()
    assert told.words == [("work", {"saw": [], "samples": [["web", "10.0.0.1:80", [1, 0, 1, 0.25]]]})]


def test_a_message_is_bounded() -> None:
    registry, sightings, told, clock = worker()
    a, b = live(registry, "web", "a"), live(registry, "web", "b")
    for _ in range(MOST):
        # Each ends the other's run.
        sightings.saw(a, "5xx")
        sightings.saw(b, "5xx")
    # What repeats the last entry still counts.
    assert sightings.dropped == MOST // 2
    clock.advance(SOON)
    assert len(told.words[0][1]["saw"]) == MOST

"""Expected figures are worked out by hand from what was counted."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from director.admin.chronicle import FIGURES, MOST, SLOTS, STEP, WHOLE, HourBook
from director.admin.testing import MemoryControl
from director.registry.changes import ServerRemoved, plan
from tests.unit.admin import sample

BEGIN = 1_800_000_000.0


def sampled(chronicle: HourBook, made: MemoryControl, time: float) -> None:
    for _ in chronicle.sample(made.snapshot(), time):
        pass


def last(chronicle: HourBook, name: str, time: float) -> dict[str, Any]:
    series = chronicle.series(name, time, STEP)
    assert series is not None
    return {figure: values[-1] for figure, values in series.items()}


@pytest.fixture
def made() -> MemoryControl:
    return sample.control()


def test_rates_are_what_came_since_the_last_row(made: MemoryControl) -> None:
    chronicle = HourBook()
    sampled(chronicle, made, BEGIN)
    first = last(chronicle, "web/a", BEGIN)
    assert first["rate"] is None
    assert (first["active"], first["eligible"]) == (0, 1)
    a = made.registry.pools["web"].servers[0]
    a.requests.requests += 50
    a.requests.responses[5] += 20
    a.requests.errors["timeout"] += 5
    a.active = 7
    for _ in range(4):
        a.requests.latency.add(0.2)
    sampled(chronicle, made, BEGIN + STEP)
    found = last(chronicle, "web/a", BEGIN + STEP)
    assert found == {
        "rate": 5, "failed": 2, "errors": 0.5, "in": 0, "out": 0, "mean": pytest.approx(0.2, rel=1e-6),
        "p99": 0.25, "active": 7, "waiting": None, "eligible": 1,
    }  # fmt: skip
    assert last(chronicle, "web", BEGIN + STEP)["rate"] == 5
    assert last(chronicle, "web", BEGIN + STEP)["eligible"] == 2


def test_an_hour_of_a_figure_is_a_line_that_keeps_its_peaks(made: MemoryControl) -> None:
    """Sixty points of six slots each; the row of the moment is in the last one."""
    chronicle = HourBook()
    a = made.registry.pools["web"].servers[0]
    for number, active in enumerate((3, 9, 4)):
        a.active = active
        sampled(chronicle, made, BEGIN + number * STEP)
    line = chronicle.line("web/a", "active", BEGIN + 2 * STEP)
    assert len(line) == 60
    assert [one for one in line if one is not None] == [9]
    assert chronicle.line("web/a", "active", BEGIN + 2 * STEP, SLOTS)[-3:] == [3, 9, 4]
    assert chronicle.line(WHOLE, "active", BEGIN + 2 * STEP)[-1] == 9
    assert chronicle.line("nobody", "active", BEGIN) == []


def test_the_whole_is_the_sum_of_all_services(made: MemoryControl) -> None:
    chronicle = HourBook()
    sampled(chronicle, made, BEGIN)
    made.registry.services["l7:www"].requests.requests += 100
    made.registry.services["l4:dns"].stats.traffic.cells[:] = [30, 0, 0, 1000, 2000]
    sampled(chronicle, made, BEGIN + STEP)
    found = last(chronicle, WHOLE, BEGIN + STEP)
    assert (found["rate"], found["in"], found["out"]) == (13, 100, 200)
    assert last(chronicle, "l4:dns", BEGIN + STEP)["rate"] == 3


def test_an_hour_is_kept_and_gaps_are_empty(made: MemoryControl) -> None:
    chronicle = HourBook()
    for number in range(SLOTS + 5):
        if number not in {SLOTS, SLOTS + 1}:
            assert chronicle.due(BEGIN + number * STEP)
            sampled(chronicle, made, BEGIN + number * STEP)
            assert not chronicle.due(BEGIN + number * STEP + STEP - 1)
    end = BEGIN + (SLOTS + 4) * STEP
    series = chronicle.series("web", end, 3600)
    assert series is not None
    assert [len(values) for values in series.values()] == [SLOTS] * len(FIGURES)
    assert series["eligible"][-5:] == [None, None, 2, 2, 2]
    assert None not in series["eligible"][:-5]
    short = chronicle.series("web", end, 25)
    assert short is not None
    assert short["eligible"] == [2, 2, 2]
    assert chronicle.series("none", end, 25) is None


def test_what_is_gone_is_kept_for_an_hour_and_no_longer(made: MemoryControl) -> None:
    chronicle = HourBook()
    sampled(chronicle, made, BEGIN)
    made.registry.apply((ServerRemoved("web", "b"),), "me", 0.0, 0.0)
    for number in range(1, SLOTS):
        sampled(chronicle, made, BEGIN + number * STEP)
    assert "web/b" in chronicle.names()
    sampled(chronicle, made, BEGIN + SLOTS * STEP)
    assert "web/b" not in chronicle.names()
    assert "web/a" in chronicle.names()


def test_of_very_many_things_the_first_have_a_history() -> None:
    servers = tuple(sample.server(f"s{number}", 1 + number) for number in range(MOST + 100))
    pool = evolve(sample.CONFIGURATION.pools[0], servers=servers)
    made = sample.control()
    now = made.registry.configuration
    made.registry.apply(plan(now, evolve(now, pools=(pool, *now.pools[1:]))), "me", 0.0, 0.0)
    chronicle = HourBook()
    sampled(chronicle, made, BEGIN)
    assert len(chronicle) == MOST
    assert {WHOLE, "l7:www", "l4:dns", "web", "images", "web/s0"} <= set(chronicle.names())
    assert len(chronicle.kept()) <= HourBook.largest()


def test_the_next_run_takes_it_up_where_it_belongs(made: MemoryControl) -> None:
    chronicle = HourBook()
    sampled(chronicle, made, BEGIN)
    sampled(chronicle, made, BEGIN + STEP)
    again = HourBook()
    assert again.take(chronicle.kept())
    sampled(again, made, BEGIN + 3 * STEP)
    series = again.series("web", BEGIN + 3 * STEP, 4 * STEP)
    assert series is not None
    assert series["eligible"] == [2, 2, None, 2]
    assert series["rate"] == [None, 0, None, None], "counting began anew"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"format": 1', b'"format": 2'),
        (b'"rate"', b'"race"'),
        (b'"slots": [', b'"slots": [1, '),
        (b'"of": [', b'"of": ["more", '),
        (b"{", b"["),
        (b"\n", b"\n\0"),
        (b'"slots"', b'"slits"'),
    ],
)
def test_what_is_no_history_is_not_taken(made: MemoryControl, old: bytes, new: bytes) -> None:
    chronicle = HourBook()
    sampled(chronicle, made, BEGIN)
    content = chronicle.kept()
    again = HourBook()
    assert not again.take(content.replace(old, new, 1))
    assert not again.take(content[:-1])
    assert not again.take(b"")
    assert again.names() == []
    assert again.take(content)

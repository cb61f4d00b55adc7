from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from director.fault import judging
from director.fault.judging import Judged
from director.fault.samples import DrillRequest, FaultTold, RunRecord
from tests.unit.fault.sample_runs import drill, record, sample


def judge(text: str, run: RunRecord, window: str = "during") -> Judged:
    (expectation,) = drill(**{window: text}).expect
    return judging.judged(expectation, run)


def some(count: int, **of: Any) -> list[DrillRequest]:
    return [sample(number + 10, **of) for number in range(1, count + 1)]


BROKEN: dict[str, Any] = {"status": 502, "outcome": "no_answer"}
PAGE: dict[str, Any] = {"status": 503, "fault": "page sorry", "outcome": "fault", "server": ""}


@pytest.mark.parametrize(
    ("text", "samples", "held"),
    [
        ("answered >= 99%", [*some(99), sample(200, **BROKEN)], True),
        ("answered >= 99%", [*some(98), *some(2, **BROKEN)], False),
        ("answered >= 99.9%", [*some(999), sample(2000, **BROKEN)], True),
        ("ok >= 50%", [*some(1), *some(1, **PAGE)], True),
        ("ok > 50%", [*some(1), *some(1, **PAGE)], False),
        ("5xx <= 10%", [*some(9), *some(1, status=500)], True),
        ("5xx < 10%", [*some(9), *some(1, status=500)], False),
        ("slowest < 3s", [*some(5), sample(99, seconds=3.0)], False),
        ("slowest <= 3s", [*some(5), sample(99, seconds=3.0)], True),
        ("p50 < 20ms", [*some(6), *some(5, seconds=9.0)], True),
        ("p99 < 1s", [*some(98), *some(2, seconds=9.0)], False),
        ("p99 < 1s", [*some(99), *some(1, seconds=9.0)], True),
        ("by page:sorry or web/a", [*some(2), *some(2, **PAGE)], True),
        ("by page:sorry", [*some(1), *some(2, **PAGE)], False),
        # Who was not answered is another expectation's matter; nobody answered is this one's.
        ("by web/a", [*some(1), *some(2, **BROKEN)], True),
        ("by web/a", some(2, **BROKEN), False),
        ("by web/b within 1s", [*some(5), sample(15, server="b")], True),
        ("by web/b within 200ms", [*some(5), sample(15, server="b")], False),
        ("by web/b within 1h", some(5), False),
        ("to web/b = 0", some(5), True),
        ("to web/b = 0", some(1, tries=[["b", "connection refused"]]), False),
        ("retries <= 0.5", [*some(1), *some(1, tries=[["b", "x"]])], True),
        ("retries < 0.5", [*some(1), *some(1, tries=[["b", "x"]])], False),
        ("twice = 0", some(3), True),
        ("twice = 0", some(1, surplus=True), False),
        ("hits >= 2", some(2, injected=[["web/a", "x"]]), True),
        ("requests >= 3", some(2), False),
        ("sticky >= 100%", some(9), True),
        ("moved = 0", [sample(20), sample(30, server="b")], False),
        ("sticky >= 50%", [sample(20), sample(30, server="b"), sample(40, server="b")], True),
    ],
)
def test_what_holds(text: str, samples: list[DrillRequest], held: bool) -> None:
    found = judge(text, record(*samples))
    assert found.held is held, found
    assert bool(found.shown) is not held


def test_times_of_the_run() -> None:
    run = record(*some(2), marks={"detect": 0.4, "recover": 2.0})
    assert judge("detect < 500ms", run).held
    assert not judge("page < 1h", run).held
    assert judge("page < 1h", run).seen == "never"
    assert not judge("recover < 2s", run, "after").held


def test_nobody_is_no_success() -> None:
    for text in ("answered >= 0%", "slowest < 1h", "by web/a", "twice = 0"):
        assert not judge(text, record()).held


def test_three_requests_show_what_broke() -> None:
    found = judge("slowest < 1s", record(*(sample(n + 10, seconds=float(n)) for n in range(1, 9))))
    assert [one.seconds for one in found.shown] == [8.0, 7.0, 6.0]


def void(run: RunRecord, *, control: bool = False, **expected: str) -> list[str]:
    return judging.reasons_void(drill(**(expected or {"during": "ok >= 1%"})), run, control=control)


FIRED = [FaultTold("x", ("web/a",), "hang", hits=1)]


def test_a_run_that_proves_something() -> None:
    assert void(record(*some(3), faults=FIRED)) == []
    checked = [FaultTold("x", ("web/a",), "hang", checks=1)]
    assert void(record(*some(3), faults=checked)) == []


@pytest.mark.parametrize(
    ("run", "why"),
    [
        (record(*some(3)), "fault x was never started"),
        (record(*some(3), faults=[FaultTold("x", ("web/a",), "hang")]), "fault x never fired"),
        (record(*some(3), faults=FIRED, halted="by hand"), "halted: by hand"),
        (RunRecord(faults=FIRED), "no requests: there was no load, and no real traffic"),
        (record(faults=FIRED), "no requests during"),
        (
            evolve(record(*some(3), faults=FIRED), samples=[sample(1, "baseline", **BROKEN), *some(3)]),
            "sick baseline: 0 of 1 requests had a good answer",
        ),
    ],
)
def test_what_proves_nothing(run: RunRecord, why: str) -> None:
    assert why in void(run)


def test_a_baseline_of_which_more_was_expected() -> None:
    found = void(record(*some(3), faults=FIRED), baseline="slowest < 1ms", during="ok >= 1%")
    assert found == ["sick baseline: slowest < 1ms, but 10 ms"]


def test_nothing_expected_proves_nothing() -> None:
    assert judging.reasons_void(drill(), record(*some(3), faults=FIRED)) == ["nothing is expected"]


def test_a_control_run_need_not_fire() -> None:
    assert void(record(*some(3)), control=True) == []


def test_verdicts() -> None:
    held = Judged("during", "x", True, "", 1)
    broke = evolve(held, held=False)
    assert judging.verdict([], [held]) == "pass"
    assert judging.verdict([], [held, broke]) == "fail"
    assert judging.verdict(["halted"], [broke]) == "void"


@pytest.mark.parametrize(
    ("halt", "run", "halts"),
    [
        ("untagged 5xx > 1%", record(untagged=(100, 2)), True),
        ("untagged 5xx > 1%", record(untagged=(100, 1)), False),
        # A single error of few says nothing.
        ("untagged 5xx > 1%", record(untagged=(3, 1)), False),
        ("answered < 50%", record(*some(30, **BROKEN)), True),
        ("answered < 50%", record(*some(5, **BROKEN)), False),
        ("slowest > 2s", record(sample(11, seconds=2.5)), True),
    ],
)
def test_reasons_to_halt(halt: str, run: RunRecord, halts: bool) -> None:
    assert bool(judging.reason_to_halt(drill(halt), run)) is halts

from __future__ import annotations

import json

from attrs import evolve

from director.fault.choice import drawn
from director.fault.samples import FaultTold, Happening, RunRecord
from director.fault.sheet import decisions, sheet, text
from director.model.drills import FaultHit
from tests.unit.fault.sample_runs import drill, record, sample

HIT = FaultTold("x", ("web/a",), "hang", FaultHit(share=0.5), hits=3)


def run(*, hits: int = 3) -> RunRecord:
    """Requests 11 to 30 during the fault, those of even numbers hit."""
    during = [
        sample(number, injected=[["web/a", "x"]] if number % 2 == 0 else []) for number in range(11, 31)
    ]
    return record(*during, faults=[evolve(HIT, hits=hits)], happenings=[Happening(1.0, "step", "start x")])


def test_a_sheet_is_json_with_what_others_rely_on() -> None:
    found = json.loads(json.dumps(sheet(drill(during="ok >= 99%", after="ok >= 1%"), run(), 7)))
    assert (found["verdict"], found["seed"]) == ("void", 7)
    assert found["why"] == ["no requests after"]
    assert [one["text"] for one in found["expectations"]] == ["ok >= 99%", "ok >= 1%"]
    assert [one["held"] for one in found["expectations"]] == [True, False]
    assert [one["cannot_fail"] for one in found["expectations"]] == [False, False]
    assert [(one["name"], one["requests"]) for one in found["phases"]] == [
        ("baseline", 10), ("inject", 20), ("heal", 0), ("recover", 0),
    ]  # fmt: skip
    assert found["phases"][1] == {
        "name": "inject", "from": 1.0, "to": 3.0, "requests": 20, "answered": 20, "ok": 20, "p50": 0.01,
        "slowest": 0.01, "retries": 0, "hits": 10, "by": {"web/a": 20},
    }  # fmt: skip


def test_a_share_is_decided_by_seed_and_number_alone() -> None:
    made = drill(during="ok >= 1%")
    wanted = [number for number in range(11, 31) if drawn(7, str(number)) < 0.5 and 1.0 <= number / 10 < 3.0]
    assert [one["request"] for one in decisions(made, run(), 7)] == wanted
    assert decisions(made, run(), 7) != decisions(made, run(), 8)
    assert decisions(made, run(hits=0), 7) == []


def test_counts_are_of_those_that_came_by() -> None:
    counted = evolve(run(), faults=[evolve(HIT, hit=FaultHit(first=10))])
    assert [one["request"] for one in decisions(drill(), counted, 7)] == list(range(12, 31, 2))


def test_what_holds_without_the_faults_is_named() -> None:
    made = drill(during="ok >= 99%, hits >= 1")
    idle = record(*(sample(number) for number in range(11, 31)))
    found = sheet(made, run(), 7, idle)
    assert [one["cannot_fail"] for one in found["expectations"]] == [True, False]
    assert found["verdict"] == "pass"
    assert "ok >= 99%: 20 of 20 (100.00%); it holds without the faults, too" in text(found)


def test_a_sick_control_run_proves_nothing() -> None:
    found = sheet(drill(during="ok >= 99%"), run(), 7, RunRecord())
    assert found["verdict"] == "void"
    assert any(why.startswith("without the faults: no requests") for why in found["why"])


def test_a_failed_expectation_shows_requests() -> None:
    slow = sample(12, seconds=5.0, tries=[["b", "no answer in time"]], injected=[["web/b", "x"]])
    found = sheet(drill(during="slowest < 1s"), evolve(run(), samples=[*run().samples, slow]), 7)
    assert found["verdict"] == "fail"
    (one,) = found["expectations"]
    assert len(one["requests"]) == 3
    assert one["requests"][0]["story"] == [
        "sent 1.20 s after the begin, in phase inject",
        "web/b met the fault x",
        "b was tried: no answer in time",
        "web/a was chosen by rr",
        "status 200 after 5.000 s",
    ]
    told = text(found)
    assert told.startswith("x: FAIL\n  during: slowest < 1s, but 5.00 s\n")
    assert "#12 GET / (director why drill-r-12)" in told
    assert "--seed 7" in told


def test_of_very_many_requests_some_are_drawn() -> None:
    many = record(*(sample(number) for number in range(11, 12000)), faults=[HIT])
    assert 3000 <= len(sheet(drill(during="ok >= 1%"), many, 7)["points"]) <= 5000

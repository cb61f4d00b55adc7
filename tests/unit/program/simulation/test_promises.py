"""Each promise is seen broken in a run in which it is, and not in the same run as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from director.program.simulation.clients import GotAnswer
from director.program.simulation.promises import Judge
from director.program.simulation.run import Run
from director.program.simulation.schedule import PlannedOrder, Schedule, Trouble
from director.program.simulation.servers import Receipt
from tests.support.simulations import TEXT, asking, fuzzer, get, played, post

Played = tuple[Run, Judge]


@pytest.fixture
def well(tmp_path: Path) -> Played:
    schedule = Schedule(
        1, (asking(get(), post(3000), get("/small/")),), orders=(PlannedOrder(0.0, "maint", "web", "c"),)
    )
    return played(fuzzer(tmp_path), schedule)


def broken(judge: Judge) -> set[str]:
    return {one.promise for one in judge.broken()}


def test_a_run_that_is_well_breaks_nothing(well: Played) -> None:
    assert well[1].broken() == []


def test_a_request_without_an_answer(well: Played) -> None:
    run, judge = well
    run.asked[0].answers.clear()
    assert [str(one) for one in judge.broken()] == ["answered: request 0.0 (GET) was not answered"]


def test_an_answer_that_nobody_owed(well: Played) -> None:
    run, judge = well
    run.asked[0].answers[0] = GotAnswer(400, 1.0, "", "", "")
    assert broken(judge) == {"answered", "kept"}


def test_an_answer_that_breaks_off_although_it_was_whole(well: Played) -> None:
    run, judge = well
    run.asked[0].answers[0].ended = "reset"
    run.asked[0].answers[0].body = b""
    assert broken(judge) == {"answered"}


def test_an_answer_that_is_another_s(well: Played) -> None:
    run, judge = well
    run.asked[0].answers[0] = run.asked[2].answers[0]
    assert broken(judge) == {"right"}


def test_octets_that_nobody_sent(well: Played) -> None:
    run, judge = well
    run.asked[0].answers[0].body = b"other"
    run.receipts[1].body[5] = 0
    assert [one.promise for one in judge.broken()] == ["right", "right"]


def test_a_second_copy_of_what_must_not_be_sent_twice(well: Played) -> None:
    run, _ = well
    posted = next(one for one in run.receipts if one.method == "POST")
    run.servers["web/a"].receipts.append(Receipt("web/a", 2.0, "POST", posted.tag, "x"))
    (found,) = fresh(well).broken()
    assert found.promise == "once"


def test_something_new_on_a_server_in_maintenance(well: Played) -> None:
    run, _ = well
    run.servers["web/c"].receipts.append(Receipt("web/c", 0.5, "GET", "c0.0", "x"))
    assert broken(fresh(well)) == {"closed"}


def test_more_than_max(well: Played) -> None:
    run, judge = well
    run.over_max["small/a"] = 2
    assert broken(judge) == {"max"}
    run.over_max.clear()
    run.servers["small/a"].receipts.append(Receipt("small/a", 0.5, "GET", "c0.2", "x", beside=2))
    assert "max" in broken(fresh(well))


def test_what_is_left_and_what_fails_inside(well: Played) -> None:
    run, judge = well
    run.left.append("web/a has 1 active")
    run.defects.append("Traceback …")
    run.ended = None
    assert broken(judge) == {"empty", "sound", "answered"}


def test_a_loss_and_a_late_answer(tmp_path: Path) -> None:
    schedule = Schedule(1, (asking(get()),), (Trouble(0.0, "web/a", "refuse", 9.0),))
    run, judge = played(fuzzer(tmp_path), schedule)
    assert judge.broken() == []
    run.asked[0].answers[0] = GotAnswer(503, 500.0, "", "", "")
    assert broken(judge) == {"kept", "in time"}


def fresh(well: Played) -> Judge:
    """A judge who has looked at the receipts of now."""
    run, judge = well
    judge.due._run = run
    return judge


def test_a_user_that_loses_its_server(tmp_path: Path) -> None:
    text = TEXT.replace("scheduler = rr", "persist = cookie S insert")
    run, judge = played(fuzzer(tmp_path, text), Schedule(1, (asking(*[get()] * 4),)))
    assert judge.broken() == []
    assert len({one.answers[0].server for one in run.asked}) == 1
    assert run.asked[3].keeper == "web/a"
    run.asked[3].keeper = "web/b"
    assert broken(judge) == {"sticky"}

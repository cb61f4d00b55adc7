from __future__ import annotations

from pathlib import Path

from director.program.simulation.run import without
from director.program.simulation.schedule import PlannedOrder, Schedule, Trouble
from tests.support.simulations import asking, fuzzer, get, played, post


def test_a_run_is_played_to_its_end(tmp_path: Path) -> None:
    schedule = Schedule(1, (asking(get(), post(3000)), asking(get("/gone"), number=1, at=0.5)))
    run, _ = played(fuzzer(tmp_path), schedule)
    assert run.ended is not None
    assert [[answer.status for answer in one.answers] for one in run.asked] == [[200], [200], [410]]
    assert [one.method for one in run.receipts] == ["GET", "POST"]
    assert (run.left, run.defects, run.over_max) == ([], [], {})
    assert len(run.story()) == 5


def test_the_same_schedule_is_the_same_run(tmp_path: Path) -> None:
    one = fuzzer(tmp_path)
    for seed in range(5):
        digests = {played(one, one.draw(seed))[0].digest() for _ in range(2)}
        assert len(digests) == 1
    assert len({played(one, one.draw(seed))[0].digest() for seed in range(5)}) == 5


def test_trouble_and_orders_come_when_they_are_due(tmp_path: Path) -> None:
    schedule = Schedule(
        1,
        (asking(get(), get(), pause=2.0),),
        (Trouble(0.0, "web/a", "refuse", 9.0),),
        (
            PlannedOrder(1.0, "drain", "web", "b"),
            PlannedOrder(1.0, "add", "web", "new", 1),
            PlannedOrder(1.0, "maint", "web", "c"),
        ),
    )
    run, _ = played(fuzzer(tmp_path), schedule)
    assert [one.server for one in run.receipts][1] == "web/new"


def test_servers_may_be_absent(tmp_path: Path) -> None:
    one = fuzzer(tmp_path)
    assert [server.name for server in without(one.written, (("web", "b"),)).pools[0].servers] == ["a", "c"]
    run, _ = played(one, Schedule(1, (asking(*[get()] * 4),), absent=(("web", "a"), ("web", "b"))))
    assert {receipt.server for receipt in run.receipts} == {"web/c"}


def test_who_is_left_waiting_is_forgotten_some_time(tmp_path: Path) -> None:
    run = fuzzer(tmp_path).run(Schedule(1, (asking(get("/", think=5000.0)),)))
    run.director.registry.pools["web"].config  # noqa: B018 - it is there
    for server in run.servers.values():
        server.called = lambda: "accept"  # type: ignore[method-assign]
    run.play()
    assert run.ended is not None, "timeout.response ends it"
    assert run.asked[0].answers[0].status == 503

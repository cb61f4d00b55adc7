from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from director.program.simulation.clients import Asked
from director.program.simulation.due import Due
from director.program.simulation.schedule import PlannedAsk, PlannedOrder, Schedule, Trouble
from tests.support.simulations import TEXT, asking, fuzzer, get, post


def due(folder: Path, text: str = TEXT, **what: object) -> Due:
    one = fuzzer(folder, text)
    return one.judge(one.run(Schedule(1, **what))).due  # type: ignore[arg-type]


def asked(ask: PlannedAsk) -> Asked:
    return Asked(asking(ask), 0, ask, "c0.0")


def trouble(kind: str, server: str = "web/a", number: float = 0.0) -> Trouble:
    return Trouble(0.0, server, kind, 9.0, number)


@pytest.mark.parametrize(
    ("troubles", "kept"),
    [
        ([], True),
        ([trouble("refuse")], True),
        ([trouble("crash"), trouble("empty", "web/b")], True),
        ([trouble("status", number=503)], True),
        ([trouble("reset", number=0)], True),
        ([trouble("hang")], False),
        ([trouble("reset", number=10)], False),
        ([trouble("garbage")], False),
        ([trouble("refuse", name) for name in ("web/a", "web/b", "web/c")], False),
    ],
)
def test_what_could_be_retried_is_due(tmp_path: Path, troubles: list[Trouble], kept: bool) -> None:
    assert bool(due(tmp_path, troubles=tuple(troubles)).keeps(asked(get()))) is kept


def test_what_cannot_be_sent_again_is_not(tmp_path: Path) -> None:
    found = due(tmp_path)
    assert not found.keeps(asked(post(10)))
    assert not found.keeps(asked(evolve(get(), method="PUT", upload=90_000)))
    assert found.keeps(asked(evolve(get(), method="PUT", upload=10)))
    assert not found.keeps(asked(get("/gone")))


def test_fewer_tries_hold_less(tmp_path: Path) -> None:
    text = TEXT.replace("retry = connect, empty; tries 2", "retry = connect; tries 1")
    assert due(tmp_path, text, troubles=(trouble("refuse"),)).keeps(asked(get()))
    assert not due(tmp_path, text, troubles=(trouble("empty"),)).keeps(asked(get()))
    assert not due(tmp_path, text, troubles=(trouble("refuse"), trouble("refuse", "web/b"))).keeps(
        asked(get())
    )


def test_how_often_it_may_be_sent(tmp_path: Path) -> None:
    found = due(tmp_path)
    assert found.sendings(asked(post(10))) == 1
    assert found.sendings(asked(get())) == 2 * 3


def test_which_statuses_are_the_directors_own(tmp_path: Path) -> None:
    found = due(tmp_path)
    assert found.own_statuses(asked(get())) == {502, 503, 504}
    assert found.own_statuses(asked(get("/gone"))) == {410, 502, 503, 504}


def test_how_long_the_fault_path_may_take(tmp_path: Path) -> None:
    # A try: a second to connect, three for an answer, twice with a kept connection; 3 tries, 3 servers.
    most = due(tmp_path).longest(asked(get()))
    assert 3 * (1 + 3) < most <= 6 * 2 * (1 + 3) + 10


def test_where_work_may_be_cut(tmp_path: Path) -> None:
    assert not due(tmp_path).cuts("web/a")
    assert due(tmp_path, orders=(PlannedOrder(0.0, "inject", "a hangs", number=1),)).cuts("web/a")
    assert due(tmp_path, TEXT.replace("scheduler = rr", "on_down = close")).cuts("web/a")


def test_limits_and_who_has_them(tmp_path: Path) -> None:
    found = due(tmp_path)
    assert list(found.limits()) == [("small", "a", 1), ("small", "b", 2)]
    assert found.played("small", "a") is not None
    assert found.played("small", "nobody") is None
    assert not found.is_sticky("web")
    assert not found.may_come_back("web", "drain")
    active = due(tmp_path, TEXT.replace("fault = page", "fault = active, page"))
    assert active.may_come_back("web", "weight 0")


def test_what_is_not_due_while_descriptors_lack_or_after_a_stop(tmp_path: Path) -> None:
    assert not due(tmp_path, orders=(PlannedOrder(0.0, "starve", number=1.0),)).keeps(asked(get()))
    late = asked(get())
    late.over_at = 100.0
    assert not due(tmp_path).is_cut_off(late)
    found = due(tmp_path)
    found._run.operator.stopped_at = 1.0
    assert found.is_cut_off(late)
    held = due(tmp_path, orders=(PlannedOrder(0.0, "hog", number=40.0),))
    assert held.longest(late) == found.longest(late) + 40.0

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, repeat
from random import Random

import pytest
from zope.interface.verify import verifyObject

from director.errors import SchedulerError
from director.interfaces import IKey, IScheduler, IServer
from director.scheduling.base import Scheduler
from director.scheduling.custom import FORGIVEN_AFTER, STRIKES, Chooses, Guarded, Note, made
from tests.unit.scheduling.fakes import KEY, Server, many, servers

BUDGET = 2.0**-14  # 61 us; a power of two, so that sums of it are exact


class Last:
    """A user's plain class: the last server."""

    def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        return servers[-1]


class Clock:
    """Two readings for each choice: the second is later by what the test says."""

    def __init__(self, durations: Iterator[float]) -> None:
        self.durations = durations
        self.now = 0.0
        self.running = False

    def __call__(self) -> float:
        if self.running:
            self.now += next(self.durations)
        self.running = not self.running
        return self.now


def guarded(
    inner: Chooses, *durations: float, pool: tuple[Server, ...] = ()
) -> tuple[Guarded, list[Note], Callable[[], IServer | None]]:
    notes: list[Note] = []
    clock = Clock(chain(durations, repeat(0.0)))
    guard = Guarded(inner, "tenant", BUDGET, clock, note=notes.append)
    guard.start("l7:www", pool)
    return guard, notes, lambda: guard.choose(pool, KEY, 0.0)


def choosing(answer: Callable[[], object]) -> Chooses:
    class Chosen:
        def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
            return answer()  # type: ignore[return-value]  # that is the point

    return Chosen()


def fail() -> object:
    raise ZeroDivisionError("division by zero")


def leave() -> object:
    raise SystemExit(3)


class MuteError(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


def fail_mutely() -> object:
    raise MuteError


def fail_at_length() -> object:
    raise ValueError("one\n  two")


def test_a_plain_class_chooses() -> None:
    pool = servers(1, 1, 1)
    guard, notes, choose = guarded(Last(), pool=pool)
    assert verifyObject(IScheduler, guard)
    assert choose() is pool[2]
    for tell in (guard.server_added, guard.server_updated, guard.server_removed):
        tell(pool[0])
    guard.stop()
    assert guard.name == "tenant"
    assert guard.explain(pool, KEY, 0.0) == ()
    assert notes == []


def test_none_is_an_answer() -> None:
    _, notes, choose = guarded(choosing(lambda: None), pool=servers(1))
    assert choose() is None
    assert notes == []


@pytest.mark.parametrize("size", [3, 40])
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (fail, "choose raised ZeroDivisionError: division by zero"),
        (leave, "choose raised SystemExit: 3"),
        (fail_mutely, "choose raised MuteError"),
        (fail_at_length, "choose raised ValueError: one two"),
        (lambda: Server("x"), "choose returned something that is not one of the eligible servers"),
        (lambda: "s1", "choose returned something that is not one of the eligible servers"),
        (list, "choose returned something that is not one of the eligible servers"),
    ],
)
def test_one_wrong_answer_is_enough(size: int, answer: Callable[[], object], reason: str) -> None:
    pool = many(size)
    for server in pool[1:]:
        server.active = 1
    guard, notes, choose = guarded(choosing(answer), pool=pool)
    assert [choose() for _ in range(3)] == [pool[0]] * 3
    assert guard.reason == reason
    assert guard.name == "wlc for tenant"
    assert len(notes) == 1
    assert str(notes[0]) == (f"scheduler tenant was replaced by wlc: {reason}; mend it and reload")


def test_a_slow_scheduler_goes_at_the_third_strike() -> None:
    pool = servers(1, 1)
    guard, notes, choose = guarded(Last(), *[2 * BUDGET] * STRIKES, pool=pool)
    assert [choose() for _ in range(STRIKES)] == [pool[1], pool[1], pool[0]]
    assert guard.reason == "choose took 122 us, its budget is 61 us, 3 strikes"
    (note,) = notes
    assert note.advice == "make it faster, or raise budget in [scheduler:tenant], and reload"


def test_what_takes_the_budget_and_no_more_is_no_strike() -> None:
    _, notes, choose = guarded(Last(), *[BUDGET] * 100, pool=servers(1))
    for _ in range(100):
        choose()
    assert notes == []


def test_a_pause_now_and_then_is_forgiven() -> None:
    seldom = [1.0, *[0.0] * FORGIVEN_AFTER] * 20
    guard, notes, choose = guarded(Last(), *seldom, pool=servers(1))
    for _ in seldom:
        choose()
    assert notes == []
    assert guard.strikes == 0


def test_slow_every_other_time_is_not() -> None:
    _, notes, choose = guarded(Last(), *[1.0, 0.0] * 3, pool=servers(1))
    for _ in range(6):
        choose()
    assert len(notes) == 1


@pytest.mark.parametrize("word", ["server_added", "server_removed", "server_updated", "stop"])
def test_an_error_in_its_life_is_enough(word: str) -> None:
    def breaks(*_facts: object) -> object:
        return fail()

    pool, inner = servers(1, 1), Last()
    setattr(inner, word, breaks)
    guard, notes, choose = guarded(inner, pool=pool)
    getattr(guard, word)(*(() if word == "stop" else pool[:1]))
    assert choose() is pool[0]
    assert notes[0].reason == f"{word} raised ZeroDivisionError: division by zero"
    # It is not told anything any more.
    guard.stop()
    assert len(notes) == 1


def test_an_error_in_start_refuses_the_service() -> None:
    class Refuses(Last):
        def start(self, service: str, servers: object) -> None:
            raise ValueError(f"no table for {service}")

    guard = Guarded(Refuses(), "tenant", BUDGET, float, note=fail)  # type: ignore[arg-type]
    with pytest.raises(SchedulerError, match="tenant: start raised ValueError: no table for l7:www; mend it"):
        guard.start("l7:www", ())


def test_the_substitute_knows_the_servers_when_it_is_needed() -> None:
    class Recorder(Scheduler):
        def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
            return self.roster[-1]

    a, b, c = servers(1, 1, 1)
    substitute = Recorder()
    guard = Guarded(choosing(fail), "tenant", BUDGET, float, note=str, fallback=substitute)
    guard.start("l7:www", (a, b))
    guard.server_added(c)
    guard.server_removed(a)
    assert substitute.roster == [b, c]
    assert guard.choose((b, c), KEY, 0.0) is c
    guard.stop()
    assert substitute.roster == []


def test_explain_is_asked_of_whoever_chooses() -> None:
    works = True

    def answer(pool: Sequence[IServer]) -> object:
        return [(server.name, "mine") for server in pool] if works else fail()

    class Explains(Last):
        def explain(self, servers: Sequence[IServer], key: IKey, now: float) -> object:
            return answer(servers)

    pool = servers(1)
    guard, _, _ = guarded(Explains(), pool=pool)
    assert guard.explain(pool, KEY, 0.0) == (("a", "mine"),)
    guard.reason = "slow"
    assert guard.explain(pool, KEY, 0.0) == (("a", "load 0/1 = 0"),)
    guard.reason = ""
    works = False
    assert guard.explain(pool, KEY, 0.0) == (("", "explain raised ZeroDivisionError: division by zero"),)


class NoChoose:
    pass


class Narrow:
    def choose(self, servers: Sequence[IServer]) -> IServer:
        return servers[0]


class Demanding(Last):
    def __init__(self, table: object) -> None:
        self.table = table


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (len, "f.py:X is no class; write the name of a class"),
        (NoChoose, r"f.py:X has no method choose\(self, servers, key, now\); write one"),
        (Narrow, r"f.py:X: write it as choose\(self, servers, key, now\)"),
        (Demanding, "f.py:X cannot be made without arguments .*; give its __init__ defaults"),
    ],
)
def test_a_class_that_cannot_work_is_refused(cls: object, message: str) -> None:
    with pytest.raises(SchedulerError, match=message):
        made(cls, "f.py:X", Random(1))


def test_a_subclass_of_ours_gets_the_source_of_chance() -> None:
    class Mine(Scheduler):
        def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
            return servers[0]

    random = Random(1)
    mine = made(Mine, "f.py:Mine", random)
    assert isinstance(mine, Mine)
    assert mine.random is random
    assert isinstance(made(Last, "f.py:Last", random), Last)

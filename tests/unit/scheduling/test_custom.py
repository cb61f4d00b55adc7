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


# --- what it can and cannot do ------------------------------------------------------------


class Anything:
    """Equals everything, as an object of a stranger may."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


@pytest.mark.parametrize("size", [3, 40])
def test_what_it_returns_is_taken_by_identity(size: int) -> None:
    pool = many(size)
    guard, notes, choose = guarded(choosing(Anything), pool=pool)
    assert choose() is pool[0]
    assert guard.reason == "choose returned something that is not one of the eligible servers"
    assert len(notes) == 1


def test_a_live_server_is_no_answer() -> None:
    """It was given views; whoever got a live object got it by a way that we do not know."""
    pool = servers(1, 1)
    guard, _notes, choose = guarded(choosing(lambda: pool[1]), pool=pool)
    assert choose() is pool[0]
    assert "not one of the eligible" in guard.reason


def test_a_server_that_may_not_be_chosen_is_no_answer() -> None:
    pool = servers(1, 1)

    class Remembers:
        """Answers with the first server that it ever saw."""

        first: object = None

        def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
            self.first = self.first or servers[0]
            return self.first  # type: ignore[return-value]

    guard, _notes, choose = guarded(Remembers(), pool=pool)
    assert choose() is pool[0]
    assert guard.choose(pool[1:], KEY, 0.0) is pool[1]
    assert "not one of the eligible" in guard.reason


@pytest.mark.parametrize("harm", ["weight = 0", "active += 1", "available = False"])
def test_it_cannot_write_to_servers(harm: str) -> None:
    pool = servers(2, 1)
    before = [dict(vars(one)) for one in pool]
    scope: dict[str, object] = {}
    source = (
        f"class Writes:\n def choose(self, servers, key, now):\n  servers[1].{harm}\n  return servers[1]\n"
    )
    exec(compile(source, "/etc/mine.py", "exec"), scope)
    notes: list[Note] = []
    guard = Guarded(scope["Writes"](), "tenant", 1.0, float, note=notes.append, path="/etc/mine.py")  # type: ignore[operator]
    guard.start("l7:www", pool)
    assert guard.choose(pool, KEY, 0.0) is pool[0]
    assert [dict(vars(one)) for one in pool] == before
    assert (guard.at, str(notes[0]).count(" at /etc/mine.py:3")) == (" at /etc/mine.py:3", 1)
    assert guard.replaced.endswith("at /etc/mine.py:3")


def test_a_server_looks_the_same_all_its_life() -> None:
    class Counts:
        """By server, as a user would."""

        def __init__(self) -> None:
            self.seen: dict[IServer, int] = {}

        def start(self, service: str, servers: Sequence[IServer]) -> None:
            self.seen = dict.fromkeys(servers, 0)

        def server_removed(self, server: IServer) -> None:
            del self.seen[server]

        def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
            chosen = min(servers, key=self.seen.__getitem__)
            self.seen[chosen] += 1
            return chosen

    pool = servers(1, 1, 1)
    inner = Counts()
    guard, notes, choose = guarded(inner, pool=pool)
    assert [choose() for _ in range(4)] == [pool[0], pool[1], pool[2], pool[0]]
    guard.server_removed(pool[1])
    assert guard.choose((pool[0], pool[2]), KEY, 0.0) is pool[2]
    assert (sorted(inner.seen.values()), notes) == ([2, 2], [])


def test_it_is_told_of_processes_and_can_share_numbers() -> None:
    shared: dict[str, list[int]] = {}

    class Shares(Last):
        processes = 0

        def start(self, service: str, servers: Sequence[IServer]) -> None:
            self.numbers = self.shared("tenants", 2)  # type: ignore[attr-defined]

    inner = Shares()
    guard = Guarded(inner, "tenant", 1.0, float, note=print)
    guard.equip(4, lambda name, size: shared.setdefault(name, [0] * size))
    guard.start("l7:www", servers(1))
    assert inner.processes == 4
    assert inner.numbers is shared["tenant/tenants"]


def test_a_class_without_a_place_for_them_goes_without() -> None:
    class Bare:
        __slots__ = ()

        def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
            return servers[0]

    guard, notes, choose = guarded(Bare(), pool=servers(1))
    guard.equip(4, lambda *_asked: None)
    assert choose() is not None
    assert notes == []

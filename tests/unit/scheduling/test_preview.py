from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from random import Random

from director.interfaces import IKey, IServer
from director.scheduling.custom import Guarded, Note
from director.scheduling.fallback import Otherwise
from director.scheduling.lblcr import LocalityReplicated
from director.scheduling.preview import preview, twin
from director.scheduling.random import WeightedRandom
from director.scheduling.rr import RoundRobin
from director.scheduling.wrr import WeightedRoundRobin
from tests.unit.scheduling.fakes import KEY, Key, names, servers, started


def test_it_tells_the_next_choice_and_changes_nothing() -> None:
    pool = servers(4, 3, 2)
    for cls in (RoundRobin, WeightedRoundRobin, WeightedRandom, LocalityReplicated):
        watched, plain = started(cls, pool), started(cls, pool)
        for number in range(30):
            key = Key(virtual=str(number % 3))
            foretold = [preview(watched, pool, key, 0.0) for _ in range(3)]
            chosen = watched.choose(pool, key, 0.0)
            assert foretold == [chosen] * 3
            assert plain.choose(pool, key, 0.0) is chosen


def test_it_looks_into_both_halves() -> None:
    pool = servers(1, 1, 1)
    both = Otherwise(started(RoundRobin, ()), started(RoundRobin, pool))
    assert names([preview(both, pool, KEY, 0.0), preview(both, pool, KEY, 0.0)]) == "aa"
    assert names([both.choose(pool, KEY, 0.0), preview(both, pool, KEY, 0.0)]) == "ab"


class Mine:
    """A user's class with state of every kind that the rule names, some of it in slots."""

    __slots__ = ("__dict__", "count", "seen")

    def __init__(self) -> None:
        self.count = 0
        self.seen: set[int] = set()
        self.rows, self.table, self.last = [0], {0: 0}, deque([0])
        self.random = Random(5)

    def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        self.count += 1
        self.seen.add(self.count)
        self.rows.append(self.count)
        self.table[self.count] = self.count
        self.last.append(self.count)
        return self.random.choice(servers)


def test_a_user_s_class_is_not_disturbed() -> None:
    pool = servers(1, 1, 1, 1)
    mine = Mine()
    before = mine.random.getstate()
    foretold = preview(mine, pool, KEY, 0.0)  # type: ignore[arg-type]
    assert (mine.count, mine.seen, mine.rows, mine.table, mine.last) == (0, set(), [0], {0: 0}, deque([0]))
    assert mine.random.getstate() == before
    assert mine.choose(pool, KEY, 0.0) is foretold


def test_a_user_s_class_that_fails_is_not_replaced_by_a_preview() -> None:
    class Fails:
        def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
            raise ValueError

    pool = servers(1, 1)
    notes: list[Note] = []
    guard = Guarded(Fails(), "tenant", 1.0, float, note=notes.append)
    guard.start("l7:www", pool)
    assert preview(guard, pool, KEY, 0.0) is pool[0]
    assert guard.reason == ""
    assert notes == []


def test_servers_are_shared_not_copied() -> None:
    pool = servers(1, 1)
    other = twin(started(RoundRobin, pool))
    assert isinstance(other, RoundRobin)
    assert all(one is two for one, two in zip(other.roster, pool, strict=True))

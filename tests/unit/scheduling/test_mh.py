"""V55.  The oracle is the pseudocode of the paper, section 3.4, with the turns of F.2."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.errors import SchedulerError
from director.interfaces import IScheduler
from director.scheduling.hashing import siphash13
from director.scheduling.mh import MaglevHash, table_index, turns
from tests.unit.scheduling.fakes import KEY, Key, Server, many, servers, started


def h(number: int, word: int) -> int:
    return siphash13(number, word, word) % 2**32


def oracle(pool: tuple[Server, ...], counts: list[int], m: int = 4093) -> list[Server]:
    """offset, skip, permutation and next as in the paper; a server takes its turns before the next one's."""
    permutation = []
    for server in pool:
        offset = h(server.number + server.port, 2654435761) % m
        skip = h(server.number + server.port, 2654446892) % (m - 1) + 1
        permutation.append([(offset + j * skip) % m for j in range(m)])
    following, entry, filled = [0] * len(pool), [-1] * m, 0
    while True:
        for i, count in enumerate(counts):
            for _ in range(count):
                while entry[permutation[i][following[i]]] >= 0:
                    following[i] += 1
                entry[permutation[i][following[i]]] = i
                filled += 1
                if filled == m:
                    return [pool[place] for place in entry]


def table(mh: object, pool: tuple[Server, ...]) -> tuple[Server, ...]:
    assert isinstance(mh, MaglevHash)
    mh.choose(pool, KEY, 0.0)
    return mh.table  # type: ignore[return-value]


@pytest.mark.parametrize("weights", [(1,), (1, 1, 1), (5, 5), (4, 3, 2), (1, 63), (10, 0, 20)])
def test_the_table_is_that_of_the_paper(weights: tuple[int, ...]) -> None:
    pool = servers(*weights)
    # Weights this small are not shifted: the turns are the weights by their greatest common divisor.
    counts = {(5, 5): [1, 1], (10, 0, 20): [1, 0, 2]}.get(weights, list(weights))
    assert list(table(started(MaglevHash, pool), pool)) == oracle(pool, counts)


@pytest.mark.parametrize(
    ("weights", "index", "expected"),
    # F.2: shift by max(0, bitlength(greatest / gcd) - 6), at least one turn for any weight.
    [
        ([1, 1], 12, [1, 1]),
        ([63, 1], 12, [63, 1]),
        ([64, 1], 12, [32, 1]),
        ([1000, 500, 3, 0], 12, [62, 31, 1, 0]),
        ([300, 100], 12, [3, 1]),
        ([64, 1], 14, [64, 1]),
        ([0, 0], 12, [0, 0]),
        ([], 12, []),
    ],
)
def test_turns(weights: list[int], index: int, expected: list[int]) -> None:
    assert turns(weights, index) == expected


def test_sizes() -> None:
    assert len(table(started(MaglevHash, servers(1)), servers(1))) == 4093
    assert [table_index(count) for count in (0, 4093, 4094, 10000, 131071)] == [12, 12, 13, 14, 17]
    with pytest.raises(SchedulerError, match="use wlc"):
        table_index(131072)


def test_slots_follow_weights() -> None:
    pool = servers(1, 2, 4)
    counted = Counter(table(started(MaglevHash, pool), pool))
    assert [round(counted[server] / 4093 * 7, 1) for server in pool] == [1.0, 2.0, 4.0]


def test_removing_one_of_n_moves_about_one_nth() -> None:
    pool = many(10)
    mh = started(MaglevHash, pool)
    before = table(mh, pool)
    mh.server_removed(pool[3])
    after = table(mh, pool[:3] + pool[4:])
    moved = sum(old is not new for old, new in zip(before, after, strict=True)) / 4093
    assert 0.09 < moved < 0.16
    assert pool[3] not in after


def test_adding_gives_the_new_one_its_share() -> None:
    pool = many(10)
    mh = started(MaglevHash, pool[:9])
    before = table(mh, pool[:9])
    mh.server_added(pool[9])
    after = table(mh, pool)
    moved = sum(old is not new for old, new in zip(before, after, strict=True)) / 4093
    assert 0.09 < moved < 0.16


POOL = many(6)


@cache
def fixed(*flags: str) -> IScheduler:
    """One scheduler for all examples; mh keeps nothing between choices."""
    return started(MaglevHash, POOL, *flags)


@cache
def slots_of_paper() -> tuple[Server, ...]:
    return tuple(oracle(POOL, [1] * 6))


@given(st.integers(0, 2**32 - 1), st.integers(0, 65535), st.sets(st.integers(0, 5), min_size=1))
def test_only_clients_of_a_missing_server_move(client: int, port: int, up: set[int]) -> None:
    eligible = tuple(POOL[place] for place in sorted(up))
    own = slots_of_paper()[h(client, 2654435761) % 4093]
    by_port = slots_of_paper()[h(client + port, 2654435761) % 4093]
    assert fixed().choose(POOL, Key(client, port), 0.0) is own
    assert fixed("port").choose(POOL, Key(client, port), 0.0) is by_port
    assert fixed().choose(eligible, Key(client), 0.0) is (own if own in eligible else None)
    falling = fixed("fallback").choose(eligible, Key(client), 0.0)
    assert falling in ((own,) if own in eligible else eligible)


def test_fallback_hashes_again() -> None:
    pool = many(6)
    mh = started(MaglevHash, pool, "fallback")
    slots = table(mh, pool)
    client = next(number for number in range(100) if slots[h(number, 2654435761) % 4093] is pool[0])
    ihash = h(client, 2654435761) % 4093
    # F.2: r = (offset + ihash) mod size, slot = h1(... + r) mod size, offset = 0, 1, ...
    retried = [slots[h(client + (offset + ihash) % 4093, 2654435761) % 4093] for offset in range(50)]
    expected = next(server for server in retried if server is not pool[0])
    assert mh.choose(pool[1:], Key(client), 0.0) is expected
    assert mh.choose(many(1), Key(client), 0.0) is None


def test_a_quiesced_server_keeps_its_slots() -> None:
    pool = servers(1, 1)
    mh = started(MaglevHash, pool)
    before = table(mh, pool)
    pool[0].weight = 0
    mh.server_updated(pool[0])
    assert table(mh, pool) == before
    pool[1].last_weight = pool[1].weight = 3
    mh.server_updated(pool[1])
    assert table(mh, pool) != before


def test_several_changes_cost_one_table_and_thresholds_none() -> None:
    pool = many(4)
    mh = started(MaglevHash, pool[:2])
    mh.server_added(pool[2])
    mh.server_added(pool[3])
    assert isinstance(mh, MaglevHash)
    assert mh.table == ()
    first = table(mh, pool)
    mh.server_updated(pool[0])
    assert table(mh, pool) is first


def test_nobody_ever_had_a_weight() -> None:
    a, b = servers(0, 1)
    assert started(MaglevHash, (a,)).choose((b,), KEY, 0.0) is None
    assert started(MaglevHash, ()).choose((b,), KEY, 0.0) is None


def test_named_servers_have_places_of_their_own() -> None:
    pool = servers(1, 1, 1)
    for server in pool:
        server.number = 0
    counted = Counter(table(started(MaglevHash, pool), pool))
    assert min(counted.values()) > 1300


def test_a_pool_beyond_the_largest_table_is_refused() -> None:
    server = Server("a")
    with pytest.raises(SchedulerError, match="131072 servers"):
        MaglevHash().start("l7:www", (server,) * 131072)

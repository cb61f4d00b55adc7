"""V54."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from director.scheduling.sh import SourceHash
from tests.unit.scheduling.fakes import KEY, Key, many, servers, started

CLIENTS = st.integers(0, 2**32 - 1)


def bucket(number: int) -> int:
    """The index by F.2, written once more."""
    return (number * 0x61C88647 % 2**32) >> 24


def test_a_server_takes_weight_buckets_in_a_row() -> None:
    pool = servers(2, 0, 1)
    sh = started(SourceHash, pool)
    row = "aabc" * 64
    for client in range(300):
        chosen = sh.choose(pool, Key(client), 0.0)
        assert chosen is not None
        assert chosen.name == row[bucket(client)]


def test_weights_that_exceed_the_table_leave_the_last_out() -> None:
    pool = servers(200, 200, 200)
    sh = started(SourceHash, pool)
    counted = Counter(str(sh.choose(pool, Key(client), 0.0)) for client in range(10000))
    assert counted.keys() == {"a", "b"}


@given(CLIENTS, st.integers(0, 65535), st.sets(st.integers(0, 6), min_size=1))
def test_a_client_keeps_its_server(client: int, port: int, up: set[int]) -> None:
    pool = many(7)
    eligible = tuple(pool[place] for place in sorted(up))
    sh, falling = started(SourceHash, pool), started(SourceHash, pool, "fallback")
    own = sh.choose(pool, Key(client), 0.0)
    assert own is pool[bucket(client) % 7]
    assert sh.choose(pool, Key(client, port), 9.0) is own
    assert falling.choose(pool, Key(client), 0.0) is own
    assert sh.choose(eligible, Key(client), 0.0) is (own if own in eligible else None)
    assert falling.choose(eligible, Key(client), 0.0) in ((own,) if own in eligible else eligible)


@given(CLIENTS, st.integers(0, 65535))
def test_port_hashes_address_and_port(client: int, port: int) -> None:
    pool = many(5)
    with_port = started(SourceHash, pool, "port")
    assert with_port.choose(pool, Key(client, port), 0.0) is pool[bucket(client + port) % 5]


def test_fallback_searches_from_twice_the_index() -> None:
    a, b, c = pool = servers(1, 1, 1)
    sh = started(SourceHash, pool, "fallback")
    # bucket(1) = 97 is b's; the search starts at 194, which is c's, then 195, a's.
    assert sh.choose(pool, Key(1), 0.0) is b
    assert sh.choose((a, c), Key(1), 0.0) is c
    assert sh.choose((a,), Key(1), 0.0) is a
    assert sh.choose(servers(1), Key(1), 0.0) is None


def test_an_update_deals_again() -> None:
    a, _ = pool = servers(1, 1)
    sh = started(SourceHash, pool)
    before = Counter(str(sh.choose(pool, Key(client), 0.0)) for client in range(4096))
    a.weight = 3
    sh.server_updated(a)
    after = Counter(str(sh.choose(pool, Key(client), 0.0)) for client in range(4096))
    assert abs(before["a"] - 2048) < 100
    assert abs(after["a"] - 3072) < 100


def test_nobody() -> None:
    assert started(SourceHash, ()).choose(servers(1), KEY, 0.0) is None

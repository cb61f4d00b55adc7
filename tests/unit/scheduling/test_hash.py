from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.errors import SchedulerError
from director.scheduling.hash import RendezvousHash, reading
from tests.unit.scheduling.fakes import KEY, Key, Server, many, names, servers, started

FACTS = {"cookie sid": "c", "header x-tenant": "h", "query id": "q", "group 1": "g", "group 12": "G"}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("client", "client-7"),
        ("virtual", "192.0.2.1"),
        ("host", "example.org"),
        ("path", "/a"),
        ("uri", "/a"),
        ("method", "GET"),
        ("cookie sid", "c"),
        ("  cookie   sid ", "c"),
        ("header X-Tenant", "h"),
        ("query id", "q"),
        ("path.1", "g"),
        ("group 12", "G"),
        ("cookie other", None),
        ("group 2", None),
        ("", None),
    ],
)
def test_what_is_read(expression: str, expected: str | None) -> None:
    assert reading(expression)(Key(7, path="/a", host="example.org", facts=FACTS)) == expected


@pytest.mark.parametrize("expression", ["cookie", "cookies sid", "path.x", "group", "header a b", "path.123"])
def test_what_cannot_be_read_is_refused_with_the_forms(expression: str) -> None:
    with pytest.raises(SchedulerError, match="cookie NAME"):
        RendezvousHash(expression)


def test_a_rule_s_value_comes_first_and_without_a_value_there_is_no_server() -> None:
    pool = many(5)
    scheduler = started(RendezvousHash, pool, argument="cookie sid")
    by_cookie = scheduler.choose(pool, Key(facts={"cookie sid": "x"}), 0.0)
    assert scheduler.choose(pool, Key(hash_key="x"), 0.0) is by_cookie
    assert scheduler.choose(pool, Key(hash_key="x", facts={"cookie sid": "y"}), 0.0) is by_cookie
    assert scheduler.choose(pool, KEY, 0.0) is None
    assert scheduler.choose(pool, Key(facts={"cookie sid": ""}), 0.0) is None
    assert scheduler.explain(pool[:1], KEY, 0.0) == (("s0", "the request has nothing to hash"),)


WEIGHTS = st.lists(st.integers(1, 5), min_size=2, max_size=8)


@given(st.text(st.characters(codec=None), min_size=1), WEIGHTS, st.data())
def test_only_what_a_server_had_moves(value: str, weights: list[int], data: st.DataObject) -> None:
    pool = servers(*weights)
    scheduler = started(RendezvousHash, pool, argument="client")
    key = Key(hash_key=value)
    own = scheduler.choose(pool, key, 0.0)
    gone = data.draw(st.sampled_from(pool))
    rest = tuple(server for server in pool if server is not gone)
    left = scheduler.choose(rest, key, 0.0)
    assert left is own if own is not gone else left in rest
    # It is the same whether the server is not eligible or not in the pool, and it comes back as it went.
    scheduler.server_removed(gone)
    assert scheduler.choose(rest, key, 0.0) is left
    scheduler.server_added(gone)
    assert scheduler.choose((*rest, gone), key, 1.0) is own


@pytest.mark.parametrize("weights", [(1, 1, 1, 1), (1, 2, 5, 2)])
def test_keys_are_spread_by_weight(weights: tuple[int, ...]) -> None:
    pool = servers(*weights)
    scheduler = started(RendezvousHash, pool, argument="client")
    counted = Counter(names([scheduler.choose(pool, Key(number), 0.0)]) for number in range(10000))
    for server in pool:
        expected = 10000 * server.weight / sum(weights)
        # Five standard deviations of a binomial distribution are less than 250 here.
        assert abs(counted[server.name] - expected) < 250


def test_the_share_of_a_lost_server_goes_to_all() -> None:
    pool = many(8)
    scheduler = started(RendezvousHash, pool, argument="client")
    lost = [key for key in map(Key, range(8000)) if scheduler.choose(pool, key, 0.0) is pool[0]]
    assert abs(len(lost) - 1000) < 160
    heirs = Counter(str(scheduler.choose(pool[1:], key, 0.0)) for key in lost)
    assert len(heirs) == 7
    assert max(heirs.values()) < 2 * min(heirs.values())


def test_a_changed_weight_moves_keys_to_the_heavier_only() -> None:
    pool = servers(1, 1, 1)
    scheduler = started(RendezvousHash, pool, argument="client")
    keys = [Key(number) for number in range(2000)]
    before = [scheduler.choose(pool, key, 0.0) for key in keys]
    pool[0].weight = 4
    scheduler.server_updated(pool[0])
    after = [scheduler.choose(pool, key, 0.0) for key in keys]
    assert {new for old, new in zip(before, after, strict=True) if old is not new} == {pool[0]}
    assert abs(after.count(pool[0]) - 2000 * 4 / 6) < 150


def test_bounded_never_exceeds_its_share_by_more_than_a_quarter() -> None:
    pool = servers(1, 1, 2)
    scheduler = started(RendezvousHash, pool, "bounded", argument="client")
    hot = Key(1)
    own = scheduler.choose(pool, hot, 0.0)
    for total in range(1, 401):
        chosen = scheduler.choose(pool, hot, 0.0)
        assert isinstance(chosen, Server)
        chosen.active += 1
        # ceil(c * m * weight / weights) with m the requests including this one.
        assert chosen.active <= -(-1.25 * total * chosen.weight // 4)
    for server in pool:
        server.active = 0
    assert scheduler.choose(pool, hot, 0.0) is own


def test_a_list_that_changes_is_seen() -> None:
    eligible = list(many(3))
    scheduler = started(RendezvousHash, eligible, argument="client")
    own = scheduler.choose(eligible, Key(3), 0.0)
    assert isinstance(own, Server)
    eligible.remove(own)
    assert scheduler.choose(eligible, Key(3), 0.0) in eligible


def test_the_best_score_of_the_explanation_wins() -> None:
    pool = servers(1, 2, 3)
    scheduler = started(RendezvousHash, pool, argument="client")
    for number in range(20):
        explained = scheduler.explain(pool, Key(number), 0.0)
        scores = {name: float(text.split()[1]) for name, text in explained}
        assert names([scheduler.choose(pool, Key(number), 0.0)]) == max(scores, key=scores.__getitem__)

from __future__ import annotations

import pytest

from director.errors import DirectorError
from director.model.http import L7Service
from director.model.pools import Pool, State
from director.model.settings import Configuration
from director.registry.changes import Ordered
from director.registry.live import Books, LiveService, folded, supposed_down
from tests.support.registries import live, registry_of, server, take, taken

ONE = Configuration(pools=(Pool("web", (server(),)),))


def test_a_backup_serves_only_when_nobody_else_can() -> None:
    registry = registry_of(Pool("web", (server("a", 1, max=1), server("s", 9, backup=True))))
    first = taken(registry, "web")
    assert first.server.name == "a"
    assert take(registry, "web") is None
    assert registry.pools["web"].why_none() == "every live server is at its max"
    registry.apply([Ordered("web", "a", State.DRAIN)], "test", 0.0, 0.0)
    assert taken(registry, "web").server.name == "s"


def test_what_is_supposed_to_be_down_is_up_again() -> None:
    registry = registry_of(Pool("web", (server("a"), server("b"))))
    pool, a = registry.pools["web"], live(registry, "web", "a")
    with supposed_down([a]):
        assert [one.name for one in pool.eligible()] == ["b"]
    assert [one.name for one in pool.eligible()] == ["a", "b"]
    a.failing = frozenset({"alive"})
    a.refresh()
    with supposed_down([a, live(registry, "web", "b")]):
        assert pool.why_none() == "every server is down or in maintenance"
    assert [one.name for one in pool.eligible()] == ["b"]


@pytest.mark.parametrize("order", [State.DRAIN, State.MAINT])
def test_a_full_pool_has_room_again_but_not_by_a_server_that_an_operator_took_out(order: State) -> None:
    registry = registry_of(Pool("web", (server("a", 1, max=1),)))
    pool = registry.pools["web"]
    assert not pool.full
    lease = taken(registry, "web")
    assert pool.full
    registry.apply([Ordered("web", "a", order)], "test", 0.0, 0.0)
    assert not pool.full, "nobody may wait for it"
    assert pool.why_none() != "every live server is at its max"
    registry.apply([Ordered("web", "a", State.READY)], "test", 1.0, 0.0)
    assert pool.full
    lease.release()
    assert not pool.full


def test_a_drained_server_knows_when_it_is_empty() -> None:
    registry = registry_of(Pool("web", (server(),)))
    leases = [taken(registry, "web"), taken(registry, "web")]
    registry.apply([Ordered("web", "a", State.DRAIN)], "test", 5.0, 0.0)
    one = live(registry, "web", "a")
    assert (one.since, one.empty) == (5.0, False)
    leases[0].release()
    assert not one.empty
    leases[1].release()
    assert one.empty


@pytest.mark.parametrize(
    ("host", "number"),
    [
        ("10.0.0.1", 0x0A000001),
        ("2001:db8::1", 0x20010DB8 ^ 1),
        ("fe80::1:2:3:4", 0xFE800000 ^ 0x00010002 ^ 0x00030004),
        ("www.example.org", 0),
        ("", 0),
    ],
)
def test_an_address_is_folded_to_32_bits(host: str, number: int) -> None:
    """F.2: IPv6 by XOR of its four words."""
    assert folded(host) == number


def test_latency_takes_a_peak_at_once_and_forgets_slowly() -> None:
    registry = registry_of(configuration=ONE)
    one = live(registry, "web", "a")
    one.observe(0.5, 0.0)
    assert one.latency == 0.5
    one.observe(0.0, 10.0)
    assert one.latency == pytest.approx(0.5 / 2.718281828, rel=1e-6)


def test_figures_of_a_rule_are_made_once() -> None:
    service = LiveService("l7:www", L7Service("www", ()))
    assert service.rule("1 a") is service.rule("1 a")
    assert service.rule("1 a") is not service.rule("2 b")


def test_lists_are_made_once_until_something_changes() -> None:
    pool = registry_of(configuration=ONE).pools["web"]
    assert pool.servers is pool.servers
    assert pool.eligible() is pool.eligible()
    before = pool.eligible()
    pool.server("a").refresh()  # type: ignore[union-attr]
    assert pool.eligible() is not before
    assert pool.server("nosuch") is None


def test_a_pool_says_which_schedulers_were_replaced() -> None:
    registry = registry_of(configuration=ONE)
    pool = registry.pools["web"]
    registry.scheduler(pool, "l7:www").replaced = "tenant was replaced by wlc: choose raised X at f.py:3"
    registry.scheduler(pool, "l7:other")
    assert pool.replaced == ("l7:www: tenant was replaced by wlc: choose raised X at f.py:3",)


def test_numbers_of_a_single_process_are_found_by_their_name() -> None:
    books = Books()
    numbers = books.shared("tenant/x", 2)
    numbers.mine[1] += 5
    assert books.shared("tenant/x", 2).total(1) == 5
    assert len(numbers) == 2
    with pytest.raises(DirectorError, match="has 2 numbers already"):
        books.shared("tenant/x", 3)
    for size in (0, 4097):
        with pytest.raises(DirectorError, match="from 1 to 4096"):
            books.shared("other", size)
    for index in (-1, 2):
        with pytest.raises(IndexError):
            numbers.total(index)

from __future__ import annotations

from attrs import evolve

from director.model.pools import Pool, State
from director.registry.changes import Ordered, ServerChanged, weight
from director.registry.ledger import claim
from director.registry.registry import RealServer, Registry
from director.registry.selection import STICKY, select
from tests.support.registries import KEY, live, registry_of, server, take, taken


def one_server(u: int, lower: int) -> Registry:
    return registry_of(Pool("web", (server(max=u, min=lower),)))


def test_quiesced_gets_nothing_new_but_keeps_its_own() -> None:
    """B.7, V14."""
    registry = one_server(0, 0)
    own = taken(registry, "web")
    registry.apply([weight(registry.configuration, "web", "a", 0)], "test", 0.0, 0.0)
    assert take(registry, "web") is None
    again = select(registry, registry.pools["web"], "l7:www", KEY, 0.0, preferred=own.server)
    assert again is not None
    assert again.reason[0] == STICKY
    assert registry.pools["web"].why_none() == "every live server is drained or has weight 0"


def test_sticky_reaches_a_full_and_a_drained_server_but_not_one_in_maintenance() -> None:
    registry = one_server(1, 0)
    own = taken(registry, "web").server
    pool = registry.pools["web"]
    assert select(registry, pool, "l7:www", KEY, 0.0, preferred=own) is not None
    registry.apply([Ordered("web", "a", State.DRAIN)], "test", 0.0, 0.0)
    assert select(registry, pool, "l7:www", KEY, 0.0, preferred=own) is not None
    registry.apply([Ordered("web", "a", State.MAINT)], "test", 0.0, 0.0)
    assert select(registry, pool, "l7:www", KEY, 0.0, preferred=own) is None


def test_a_server_tried_before_is_left_out_while_there_are_others() -> None:
    registry = registry_of(Pool("web", (server("a", 1), server("b", 2))))
    pool, first, second = registry.pools["web"], live(registry, "web", "a"), live(registry, "web", "b")
    chosen = select(registry, pool, "l7:www", KEY, 0.0, exclude={first})
    assert chosen is not None
    assert chosen.server is second
    last = select(registry, pool, "l7:www", KEY, 0.0, exclude={first, second})
    assert last is not None
    excluded = select(registry, pool, "l7:www", KEY, 0.0, preferred=first, exclude={first})
    assert excluded is not None
    assert excluded.server is second


def test_a_backup_is_tried_when_all_others_were() -> None:
    front = (server("a", 1), server("b", 2, max=1))
    servers = (*front, server("s", 9, backup=True), server("t", 10, backup=True))
    registry = registry_of(Pool("web", servers))
    pool = registry.pools["web"]
    a, b, s, t = pool.servers

    def tried(*them: RealServer) -> str | None:
        lease = select(registry, pool, "l7:www", KEY, 0.0, exclude=them)
        return None if lease is None else lease.server.name

    assert tried(a) == "b"
    # b is full now, and a pool whose servers are merely full has no use for its backups.
    assert tried(a) == "a"
    assert tried(a, b) == "s"
    assert tried(a, b, s) == "t"
    assert tried(a, b, s, t) == "a"


def test_the_reason_is_of_the_moment_of_choice() -> None:
    registry = registry_of(Pool("web", (server("a", 1, weight=3), server("b", 2))))
    taken(registry, "web")
    assert taken(registry, "web").reason == ("wlc", 1, 0, 3, 2)
    assert claim(live(registry, "web", "b")).reason == ("named", 0, 0, 1, 1)


def test_nothing_to_choose_is_counted() -> None:
    registry = registry_of(Pool("web"))
    assert take(registry, "web") is None
    assert registry.pools["web"].no_server == 1
    assert registry.pools["web"].why_none() == "the pool has no servers"


def test_a_scheduler_may_answer_none() -> None:
    registry = one_server(0, 0)
    scheduler = registry.scheduler(registry.pools["web"], "l7:www")
    scheduler.choose = lambda *_facts: None
    assert take(registry, "web") is None
    assert registry.pools["web"].no_server == 1


def test_a_changed_weight_is_in_the_next_reason() -> None:
    registry = one_server(0, 0)
    registry.apply([ServerChanged("web", evolve(server(), weight=7))], "test", 0.0, 0.0)
    assert taken(registry, "web").reason[3] == 7


def test_why_a_scheduler_found_nobody_is_not_drained() -> None:
    """Ovf when every server has its weight of connections (F.2), or a hash of what a request lacks."""
    registry = one_server(0, 0)
    pool = registry.pools["web"]
    scheduler = registry.scheduler(pool, "l4:s")
    scheduler.choose, scheduler.name = lambda *_facts: None, "ovf"
    assert select(registry, pool, "l4:s", KEY, 0.0) is None
    assert pool.why_none("l4:s") == "scheduler ovf chose none of the 1 server(s) that could take it"
    registry.apply([weight(registry.configuration, "web", "a", 0)], "test", 0.0, 0.0)
    assert pool.why_none("l4:s") == "every live server is drained or has weight 0"

"""B.8: a server is known by its address, so flows, templates and counts outlive a pool's name."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from scapy.layers.inet import IP, TCP

from director.model.pools import Address, Pool, Server
from director.registry.changes import PoolAdded, PoolRemoved, ServiceSet
from tests.support.layer4_world import CLIENT, SERVERS, VIP, World, sent


def begun() -> World:
    """A flow and a template, on the first server."""
    world = World(servers=2, persistent=300.0)
    sent(world.client(syn(1000)))
    one = world.real()
    assert (one.load, one.persistent) == (1, 1)
    return world


def syn(port: int) -> Any:
    return IP(src=CLIENT, dst=VIP) / TCP(sport=port, dport=80, flags="S")


def other(world: World, *names: str) -> Pool:
    """Another pool, with servers at the addresses of the first ones."""
    made = tuple(Server(name, Address(SERVERS[number], 8080)) for number, name in enumerate(names))
    return evolve(world.pool, name="q", servers=made)


@pytest.mark.parametrize("removed", [True, False], ids=["renamed", "another pool"])
def test_flows_templates_and_counts_stay(removed: bool) -> None:
    world = begun()
    old = world.registry.pools["p"].servers
    changes = [PoolAdded(other(world, "x", "y")), ServiceSet(evolve(world.service, pool="q"))]
    world.apply(*changes, *([PoolRemoved("p")] if removed else []))
    first, second = world.registry.pools["q"].servers
    assert (first.name, first.load, first.persistent) == ("x", 1, 1)
    assert (first is old[0]) == removed
    if not removed:
        assert (old[0].load, old[0].persistent) == (0, 0)
    # The flow goes on, and the client's next connection follows its template.
    ack = IP(src=CLIENT, dst=VIP) / TCP(sport=1000, dport=80, flags="A")
    assert sent(world.client(ack))[IP].dst == SERVERS[0]
    packets = first.stats.traffic.inpkts
    for port in (1001, 1002, 1003):
        assert sent(world.client(syn(port)))[IP].dst == SERVERS[0]
    assert (first.load, second.load, first.stats.traffic.inpkts) == (4, 0, packets + 3)
    world.wait(4000)
    assert (first.load, first.persistent, world.counters.get("flow_key_taken", 0)) == (0, 0, 0)


def test_what_the_new_pool_does_not_have_keeps_what_it_started_with() -> None:
    """Design 3: open connections keep what they started with; a template without its server is void."""
    world = begun()
    made = Pool("q", (Server("z", Address(SERVERS[1], 8080)),))
    world.apply(PoolAdded(made), ServiceSet(evolve(world.service, pool="q")))
    ack = IP(src=CLIENT, dst=VIP) / TCP(sport=1000, dport=80, flags="A")
    assert sent(world.client(ack))[IP].dst == SERVERS[0]
    assert sent(world.client(syn(1001)))[IP].dst == SERVERS[1]

"""The table: keys, NO_CPORT, controllers, expiry, bounds (C.1, C.2)."""

from __future__ import annotations

import gc
from random import Random
from typing import Any

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether

from director.l4.flows import Flow, FlowTable, key
from director.l4.states.directions import INPUT_ONLY
from director.model.pools import Forward
from director.registry import ledger
from tests.support.layer4_world import CLIENT, CLIENT_MAC, OUTER_MAC, OUTSIDE, SERVERS, VIP, World, packed

C, V, S = packed(CLIENT), packed(VIP), packed(SERVERS[0])


def flow(world: World, sport: int = 1000, method: Forward = Forward.NAT, control: Any = None) -> Flow:
    made = Flow(6, C, sport, V, 80, world.now)
    made.target, made.dport, made.method = S, 8080, method.method
    made.quiet = method is not Forward.NAT
    made.bind(world.forwarder.services.by_key["l4:s"], ledger.claim(world.real(), inactive=True))
    if control is not None:
        made.control = control
        control.controls += 1
    return made


def test_keys_by_method() -> None:
    """C.1: the server's own address for NAT, the virtual one for the others."""
    world = World()
    for method, source, port in ((Forward.NAT, S, 8080), (Forward.DR, V, 80), (Forward.TUN, V, 80)):
        table = FlowTable(10)
        made = flow(world, method=method)
        table.add(made)
        assert table.find(6, key(C, V, 1000, 80)) is made.to_server
        assert table.find(6, key(source, C, port, 1000)) is made.to_client
        assert (made.to_server.direction == INPUT_ONLY) is (method is not Forward.NAT)
        table.end(made)
        assert not any(table.fast_path.values())


@pytest.mark.parametrize("seed", range(20))
def test_flows_with_one_way_back_end_in_any_order(seed: int) -> None:
    """The newest that lives is found, as in a chain of IPVS; nothing is left of any of them."""
    world, table, random = World(), FlowTable(100), Random(seed)
    living: list[Flow] = []
    for port in range(40):
        made = flow(world)
        made.vport = port
        table.add(made)
        living.append(made)
        for gone in random.sample(living, random.choice((0, 0, 1, 2)) if len(living) > 2 else 0):
            living.remove(gone)
            table.end(gone)
        assert table.find(6, key(S, C, 8080, 1000)) is living[-1].to_client
    random.shuffle(living)
    for gone in living:
        table.end(gone)
        assert gone.to_client.older is gone.to_client.newer is None
    assert not any(table.fast_path.values())


@pytest.mark.parametrize("method", list(Forward))
@pytest.mark.parametrize("service", [{}, {"ops": True}, {"persistent": 20.0}], ids=str)
def test_a_flow_that_ended_is_freed_at_once(method: Forward, service: dict[str, Any]) -> None:
    """No cycle is left: the collector looks so rarely that a flood would fill the memory meanwhile."""
    world = World(method, protocol="udp", **service)
    head = Ether(src=CLIENT_MAC, dst=OUTER_MAC)
    frame = bytes(head / IP(src=CLIENT, dst=VIP) / UDP(sport=1000, dport=80) / b"x")

    def lived() -> None:
        for _ in range(3):
            world.give(frame, OUTSIDE)
        world.wait(400)
        assert not world.table.entries

    lived()
    gc.collect()
    gc.disable()
    try:
        lived()
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_unknown_client_port_is_found_and_learnt() -> None:
    table, world = FlowTable(10), World()
    made = flow(world, sport=0)
    table.add(made)
    wanted = key(C, V, 5555, 80)
    assert table.find(6, wanted) is None
    assert table.find_unknown_port(6, wanted) is made.to_server
    assert table.learn_port(made, 5555)
    assert table.find(6, wanted) is made.to_server
    assert table.find_unknown_port(6, key(C, V, 5556, 80)) is None
    assert table.unknown_ports == 0


def test_learning_a_taken_port_is_refused() -> None:
    table, world = FlowTable(10), World()
    taken, made = flow(world, 5555), flow(world, 0)
    table.add(taken)
    assert table.free(made)
    table.add(made)
    assert not table.learn_port(made, 5555)
    assert table.find(6, key(C, V, 5555, 80)) is taken.to_server
    assert table.find_unknown_port(6, key(C, V, 7, 80)) is made.to_server


def test_new_flow_lives_three_seconds_until_its_first_state() -> None:
    table, world = FlowTable(10), World()
    table.add(flow(world))
    table.expire(world.now + 2.9, 100)
    assert len(table) == 1
    table.expire(world.now + 3.5, 100)
    assert len(table) == 0
    assert world.real().load == 0


def test_controller_outlives_what_it_controls() -> None:
    """C.2: looked at again after 60 s."""
    table, world = FlowTable(10), World()
    control = flow(world, 1)
    table.add(control)
    data = flow(world, 2, control=control)
    data.timeout = 30.0
    table.add(data)
    control.to_server.valid_until = control.to_client.valid_until = world.now + 999
    table.expire(world.now + 10, 100)
    assert not control.dead
    assert control.deadline == world.now + 10 + 60, "what tools show as the time it has left"
    assert control.to_server.valid_until == control.to_client.valid_until == 0.0, (
        "a packet sets its timeout anew"
    )
    table.expire(world.now + 31, 100)
    assert data.dead
    assert not control.dead
    table.expire(world.now + 72, 100)
    assert control.dead


def test_ending_the_controlled_ends_an_idle_controller() -> None:
    table, world = FlowTable(10), World()
    control = flow(world, 1)
    table.add(control)
    first, second = flow(world, 2, control=control), flow(world, 3, control=control)
    table.add(first)
    table.add(second)
    table.expire_now(first)
    assert not control.dead
    table.expire_now(second)
    assert control.dead
    assert world.real().load == 0


def test_ending_a_controller_only_hides_it() -> None:
    table, world = FlowTable(10), World()
    control = flow(world, 1)
    table.add(control)
    data = flow(world, 2, control=control)
    table.add(data)
    table.expire_now(control)
    assert not control.dead
    assert table.find(6, key(C, V, 1, 80)) is None
    table.add(flow(world, 1))
    table.expire_now(data)
    assert control.dead
    assert table.find(6, key(C, V, 1, 80)) is not None


def test_ending_twice_gives_back_once() -> None:
    table, world = FlowTable(10), World()
    made = flow(world)
    table.add(made)
    table.end(made)
    table.end(made)
    table.expire_now(made)
    assert world.real().load == 0


def test_fifty_thousand_flows() -> None:
    world = World()
    for number in range(50_000):
        source = f"198.51.{number >> 8 & 255}.{number & 255}"
        made = Flow(6, packed(source), 1000, V, 80, world.now)
        made.target, made.dport = S, 8080
        made.bind(_service(world), ledger.claim(world.real(), inactive=True))
        world.table.add(made)
    assert len(world.table) == 50_000
    world.wait(8)
    assert len(world.table) == 0
    assert world.real().load == 0


def _service(world: World) -> Any:
    return world.forwarder.services.by_key["l4:s"]


def test_restart_moves_the_wheel_only_when_the_end_comes_nearer() -> None:
    world = World()
    for flags in ("S", "A"):
        world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1, dport=80, flags=flags))
    (made,) = world.table.entries
    slot = made.slot
    world.now += 10
    world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1, dport=80, flags="A"))
    assert made.slot == slot
    world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1, dport=80, flags="R"))
    assert made.slot * 0.25 < world.now + 11

"""What a backup makes of what it is told (`lvs-semantics` J.5, rows V77 and V78), and what a master tells."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from scapy.layers.inet import IP, TCP, UDP

from director.l4.apps.sequence import Shift
from director.l4.flows import Flow, Template
from director.l4.states.transitions import name
from director.l4.synced import Replicas, told
from director.model import synced
from director.model.pools import Address, Forward, Server
from director.model.synced import SyncedConnection
from director.model.virtual import L4Settings
from director.registry.changes import ServerAdded, ServerRemoved
from tests.support.layer4_world import CLIENT, CLIENT6, SERVERS, SERVERS6, VIP, VIP6, World, ip, packed, sent


def record(**changes: Any) -> SyncedConnection:
    one = SyncedConnection(
        6, packed(CLIENT), 4000, packed(VIP), 80, packed(SERVERS[0]), 8080, synced.MASQ, 1, 0, 900
    )
    return evolve(one, **changes)


def replicas(world: World, **settings: Any) -> Replicas:
    forwarder = world.forwarder
    return Replicas(forwarder.table, forwarder.services, forwarder.states, L4Settings(**settings))


def counts(world: World, number: int = 0) -> tuple[int, int, int]:
    server = world.real(number)
    return server.active, server.inactive, server.persistent


@pytest.mark.parametrize("family", [4, 6])
def test_a_take_over_goes_on_to_the_same_server(family: int) -> None:
    client, virtual, server = (CLIENT, VIP, SERVERS[1]) if family == 4 else (CLIENT6, VIP6, SERVERS6[1])
    world = World(family=family, servers=2)
    one = record(client=packed(client), virtual=packed(virtual), target=packed(server))
    assert replicas(world).take(one, world.now) == "made"
    (flow,) = world.table.entries
    assert (name(flow), flow.replica, flow.timeout, flow.in_pkts) == ("ESTABLISHED", True, 900.0, 3)
    assert counts(world, 1) == (1, 0, 0)
    up = sent(world.client(ip(client, virtual) / TCP(sport=4000, dport=80, flags="PA")))
    assert (up[1].dst, up[2].dport) == (server, 8080)
    down = sent(world.server(ip(server, client) / TCP(sport=8080, dport=4000, flags="PA"), 1))
    assert (down[1].src, down[2].sport) == (virtual, 80)
    assert world.forwarder.total.traffic.conns == 0, "it is no new one"


@pytest.mark.parametrize("forward", [Forward.DR, Forward.TUN])
def test_by_the_other_methods_too(forward: Forward) -> None:
    world = World(forward, servers=2)
    number = {Forward.DR: synced.DROUTE, Forward.TUN: synced.TUNNEL}[forward]
    one = record(target=packed(SERVERS[1]), flags=number | synced.NOOUTPUT)
    assert replicas(world).take(one, world.now) == "made"
    frame = sent(world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=4000, dport=80, flags="PA")))
    assert frame.dst == "02:00:00:00:01:02" if forward is Forward.DR else frame[1].dst == SERVERS[1]


def test_what_is_told_is_what_was_told() -> None:
    """Told, learnt and told again: the same, for connections and templates."""
    before, after = (World(servers=3, persistent=300.0, netmask=24) for _ in range(2))
    for client, server in ((CLIENT, SERVERS[0]), ("192.0.3.254", SERVERS[1])):
        before.client(IP(src=client, dst=VIP) / TCP(sport=4000, dport=80, flags="S"))
        before.server(IP(src=server, dst=client) / TCP(sport=8080, dport=4000, flags="SA"))
        before.client(IP(src=client, dst=VIP) / TCP(sport=4000, dport=80, flags="A"))
    learnt = replicas(after)
    first = [told(entry) for entry in before.table.entries]
    assert [learnt.take(one, after.now) for one in first if one] == ["made"] * 4
    assert [told(entry) for entry in after.table.entries] == first
    packet = IP(src="192.0.3.7", dst=VIP) / TCP(sport=1, dport=80, flags="S")
    assert sent(after.client(packet))[1].dst == SERVERS[1], "the template of 192.0.3.0/24"


def test_sequence_numbers_go_on() -> None:
    before, after = (World(port=21, server={"address": Address(SERVERS[0], 21)}) for _ in range(2))
    before.client(IP(src=CLIENT, dst=VIP) / TCP(sport=4000, dport=21, flags="S"))
    (flow,) = before.table.entries
    flow.adjust = Shift()
    flow.adjust.replaced(7000, b"227 10,0,0,11,1,2", b"227 192,0,2,80,1,2")
    one = told(flow)
    assert one is not None
    # IPVS moves what comes after `start`: the packet behind the replaced text of 17 octets.
    assert one.outgoing == (7016, 1, 0)
    assert one.flags & synced.OUT_SEQ
    replicas(after).take(one, after.now)
    (found,) = after.table.entries
    assert found.app == "ftp"
    assert [found.adjust.forth(number) for number in (6999, 7016, 7017, 9000)] == [6999, 7016, 7018, 9001]
    assert found.adjust.back(7018) == flow.adjust.back(7018) == 7017


def test_without_its_server_it_waits_for_it() -> None:
    world = World(servers=1)
    learnt = replicas(world)
    one = record(target=packed(SERVERS[1]))
    assert learnt.take(one, world.now) == "homeless"
    assert learnt.take(one, world.now) == "homeless"
    assert (len(world.table), len(learnt.homeless)) == (0, 1)
    world.now += 100
    world.apply(ServerAdded("p", Server("late", Address(SERVERS[1], 8080))))
    assert learnt.follow(world.now) == 1
    assert not learnt.homeless
    (flow,) = world.table.entries
    assert flow.deadline == pytest.approx(world.now + 800), "its time ran on"
    assert counts(world, 1) == (1, 0, 0)


def test_who_waits_in_vain_is_forgotten() -> None:
    world = World()
    learnt = replicas(world)
    learnt.take(record(target=packed(SERVERS[1]), timeout=20), world.now)
    learnt.tick(world.now)
    learnt.tick(world.now + 15)
    assert learnt.homeless
    learnt.tick(world.now + 30)
    assert not learnt.homeless


def test_what_is_here_is_brought_up_to_date() -> None:
    world = World()
    learnt = replicas(world)
    learnt.take(record(), world.now)
    world.now += 500
    closing = record(flags=synced.INACTIVE, state=4, timeout=120)
    assert learnt.take(closing, world.now) == "updated"
    (flow,) = world.table.entries
    assert (name(flow), flow.deadline) == ("FIN_WAIT", world.now + 120)
    assert counts(world) == (0, 1, 0)


def test_another_server_counts_unless_it_is_of_the_past() -> None:
    world = World(servers=2)
    learnt = replicas(world)
    learnt.take(record(), world.now)
    other = record(target=packed(SERVERS[1]))
    assert learnt.take(evolve(other, flags=synced.INACTIVE, state=4), world.now) == "older"
    assert counts(world) == (1, 0, 0)
    assert learnt.take(other, world.now) == "made"
    assert (counts(world, 0), counts(world, 1)) == ((0, 0, 0), (1, 0, 0))
    assert len(world.table) == 1


def test_a_message_without_a_time_out_has_that_of_the_state() -> None:
    world = World(protocol="udp", port=53, persistent=300.0)
    learnt = replicas(world)
    flow = record(protocol=17, vport=53, state=0, flags=synced.INACTIVE, timeout=None)
    template = evolve(flow, flags=synced.TEMPLATE, cport=0)
    assert [learnt.take(one, world.now) for one in (flow, template)] == ["made", "made"]
    assert [one.timeout for one in world.table.entries] == [300.0, 180.0]
    old = World()
    replicas(old).take(record(state=4, timeout=None), old.now)
    assert old.table.entries[0].timeout == 120.0


@pytest.mark.parametrize(
    "one",
    [
        record(protocol=1),
        record(state=11),
        record(protocol=132, state=14),
        record(protocol=17, vport=53, state=1),
        record(target=packed(SERVERS6[0])),
    ],
)
def test_what_no_table_knows(one: SyncedConnection) -> None:
    world = World()
    assert replicas(world).take(one, world.now) == "unknown"
    assert len(world.table) == 0


def test_a_full_table_takes_no_more() -> None:
    world = World(settings=L4Settings(max_flows=2))
    learnt = replicas(world)
    said = [learnt.take(record(cport=port), world.now) for port in (1, 2, 3)]
    assert said == ["made", "made", "full"]
    nobody = record(cport=4, virtual=packed("192.0.2.99"))
    assert learnt.take(nobody, world.now) == "full", "what waits for a server counts as well"


def test_answers_that_belong_to_another_flow() -> None:
    world = World()
    learnt = replicas(world)
    world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=4000, dport=80, flags="S"))
    (flow,) = world.table.entries
    assert learnt.take(record(), world.now) == "updated"
    assert flow.replica is False, "it was this director's own first"
    assert isinstance(flow, Flow)


def test_a_removed_server_is_no_home() -> None:
    world = World(servers=2)
    world.apply(ServerRemoved("p", "r1"))
    assert replicas(world).take(record(target=packed(SERVERS[1])), world.now) == "homeless"


def test_marks_find_their_service() -> None:
    from director.model.virtual import Virtual

    world = World(virtual=Virtual(fwmark=7), persistent=300.0, forward=Forward.DR)
    learnt = replicas(world)
    one = record(mark=7, flags=synced.DROUTE, dport=80)
    template = SyncedConnection(
        0, packed(CLIENT), 0, (7).to_bytes(4, "big"), 0, packed(SERVERS[0]), 0,
        synced.DROUTE | synced.TEMPLATE, 1, 7, 300,
    )  # fmt: skip
    assert [learnt.take(told, world.now) for told in (one, template)] == ["made", "made"]
    flow, found = world.table.entries
    assert (flow.service.mark, found.assured) == (7, True)
    assert isinstance(found, Template)


def test_udp_goes_on() -> None:
    world = World(protocol="udp", port=53, servers=2)
    one = record(
        protocol=17, vport=53, state=0, flags=synced.INACTIVE, timeout=300, target=packed(SERVERS[1])
    )
    replicas(world).take(one, world.now)
    packet = IP(src=CLIENT, dst=VIP) / UDP(sport=4000, dport=53) / b"ask"
    assert sent(world.client(packet))[1].dst == SERVERS[1]
    assert counts(world, 1) == (0, 1, 0)

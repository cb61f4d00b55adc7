"""V8 to V14, V17, V24, V63: who may open a flow, on which server, and what is counted."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from attrs import evolve
from scapy.layers.inet import IP, TCP, UDP

from director.errors import SchedulerError
from director.l4.verdicts import Drop, Transmit
from director.model.pools import Address, Forward, SchedulerSpec, Server, State
from director.model.virtual import L4Settings, Mark, Virtual
from director.registry.changes import (
    Ordered,
    ServerAdded,
    ServerChanged,
    ServerRemoved,
    ServiceRemoved,
    ServiceSet,
    weight,
)
from tests.support.layer4_world import CLIENT, CLIENT6, SERVERS, VIP, World, ip, sent

MARKS = tuple(Mark(7, 6, ip_network(place)) for place in ("192.0.2.80/32", "192.0.2.81/32"))


def syn(sport: int, **fields: Any) -> Any:
    return IP(src=CLIENT, dst=VIP) / TCP(sport=sport, dport=80, flags="S", **fields)


def flags(sport: int, flag: str) -> Any:
    return IP(src=CLIENT, dst=VIP) / TCP(sport=sport, dport=80, flags=flag)


def datagram(sport: int, payload: bytes = b"x") -> Any:
    return IP(src=CLIENT, dst=VIP) / UDP(sport=sport, dport=80) / payload


def target(world: World, packet: Any) -> str:
    return str(sent(world.client(packet))[1].dst)


def close(world: World, sport: int) -> None:
    world.client(flags(sport, "A"))
    world.client(flags(sport, "R"))
    world.wait(13)


def test_upper_threshold_sends_the_fifth_elsewhere() -> None:
    """V8: u=4."""
    world = World(servers=1, server={"max": 4})
    for sport in range(1, 5):
        assert target(world, syn(sport)) == SERVERS[0]
    assert world.real().overloaded
    assert isinstance(world.client(syn(5)), Transmit)  # the ICMP error
    assert world.counters["port_unreachable"] == 1
    world.apply(ServerAdded("p", Server("more", Address(SERVERS[1], 8080))))
    assert target(world, syn(6)) == SERVERS[1]


def test_lower_threshold_frees_at_zero() -> None:
    """V9: u=4, l=1: still refused with 1 to 3 left, free at 0."""
    world = World(server={"max": 4, "min": 1})
    for sport in range(1, 5):
        world.client(syn(sport))
    for sport in range(1, 4):
        close(world, sport)
        world.client(syn(1000 + sport))
        assert world.real().overloaded
        assert world.real().load == 4 - sport
    close(world, 4)
    assert target(world, syn(2000)) == SERVERS[0]


def test_without_a_lower_threshold_free_at_two() -> None:
    """V10: u=4: refused at 3, free at 2."""
    world = World(server={"max": 4})
    for sport in range(1, 5):
        world.client(syn(sport))
    close(world, 1)
    assert world.real().overloaded
    close(world, 2)
    assert not world.real().overloaded
    assert target(world, syn(9)) == SERVERS[0]


def test_raising_the_threshold_frees_at_once() -> None:
    """V11."""
    world = World(server={"max": 1})
    world.client(syn(1))
    world.apply(ServerChanged("p", evolve(world.real().config, max=2)))
    assert target(world, syn(2)) == SERVERS[0]


def test_weight_zero_keeps_old_and_takes_no_new() -> None:
    """V14; a drain does the same."""
    for change in (weight(World().registry.configuration, "p", "r0", 0), Ordered("p", "r0", State.DRAIN)):
        world = World()
        world.client(syn(1))
        world.apply(change)
        assert target(world, flags(1, "A")) == SERVERS[0]
        world.client(syn(2))
        assert world.counters["port_unreachable"] == 1


def test_maintenance_and_failed_check_let_known_flows_go_on() -> None:
    """Design 3, `on_down = keep`: nothing new, and nothing established is lost."""
    for world in (down := World(pool={"checks": ("alive",)}), World()):
        world.client(syn(1))
        world.client(flags(1, "A"))
        if world is down:
            world.registry.set_health(world.real().key, "alive", False, world.now)
        else:
            world.apply(Ordered("p", "r0", State.MAINT))
        assert target(world, flags(1, "A")) == SERVERS[0]
        assert world.client(syn(2)) != Drop("server_gone")
        assert world.counters["port_unreachable"] == 1


def test_a_handshake_that_no_server_ended_gets_another_one() -> None:
    world = World(servers=2)
    assert target(world, syn(1)) == SERVERS[0]
    world.apply(Ordered("p", "r0", State.MAINT))
    assert target(world, syn(1)) == SERVERS[1]
    assert world.real(0).load == 0


@pytest.mark.parametrize("expire", [0, 1])
def test_server_removed(expire: int) -> None:
    """V17: 0 drops in silence and the flow expires by itself; 1 takes the flow away."""
    world = World(settings=L4Settings(expire_nodest_conn=expire))
    world.client(syn(1))
    world.client(flags(1, "A"))
    world.apply(ServerRemoved("p", "r0"))
    if expire:
        assert not world.table.entries
        return
    assert world.client(flags(1, "A")) == Drop("server_gone")
    world.wait(450)
    assert world.client(flags(1, "A")) == Drop("server_gone")
    world.wait(452)
    assert not world.table.entries


def test_server_removed_and_packet_scheduled_anew() -> None:
    world = World(servers=2, protocol="udp", settings=L4Settings(expire_nodest_conn=1))
    first = target(world, datagram(1))
    world.apply(ServerRemoved("p", "r0"))
    assert target(world, datagram(1)) != first


def test_server_taken_back_carries_its_old_flows_and_counters() -> None:
    """V15."""
    world = World()
    world.client(syn(1))
    world.apply(ServerRemoved("p", "r0"))
    assert world.client(flags(1, "A")) == Drop("server_gone")
    world.apply(ServerAdded("p", Server("again", Address(SERVERS[0], 8080))))
    assert target(world, flags(1, "A")) == SERVERS[0]
    assert world.real().stats.traffic.conns == 1
    assert world.real().active == 1


def test_service_removed_stops_its_flows_and_set_again_carries_them_on_at_once() -> None:
    world = World()
    world.client(syn(1))
    assert target(world, flags(1, "A")) == SERVERS[0]
    world.apply(ServiceRemoved("l4:s"))
    assert world.client(flags(1, "A")) == Drop("server_gone")
    world.apply(ServiceSet(world.service))
    assert target(world, flags(1, "A")) == SERVERS[0]


def test_one_packet_scheduling_leaves_nothing() -> None:
    """V24."""
    world = World(protocol="udp", servers=2, ops=True)
    assert [target(world, datagram(1)) for _ in range(4)] == [SERVERS[0], SERVERS[1]] * 2
    assert not world.table.entries
    assert world.real(0).load == world.real(1).load == 0
    assert world.real(0).stats.traffic.conns == 2


def test_counters_of_server_service_and_whole() -> None:
    """V63: bytes are IP lengths."""
    world = World()
    world.client(syn(1))
    world.server(IP(src=SERVERS[0], dst=CLIENT) / TCP(sport=8080, dport=1, flags="SA"))
    for _ in range(3):
        world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1, dport=80, flags="A") / b"12345")
    expected = (1, 4, 1, 40 + 3 * 45, 40)
    service = world.registry.services["l4:s"]
    assert world.real().stats.traffic.totals() == expected
    assert service.stats.traffic.totals() == expected
    assert world.forwarder.total.traffic.totals() == expected
    world.forwarder.total.zero()
    assert world.forwarder.total.shown() == (0, 0, 0, 0, 0)


def test_full_table_drops_half_open_flows_first_and_never_established_ones() -> None:
    world = World(settings=L4Settings(max_flows=50))
    for sport in range(30, 55):
        world.client(syn(sport))
        world.client(flags(sport, "A"))
    for sport in range(100, 2100):
        world.client(syn(sport))
    assert len(world.table) <= 50
    assert world.forwarder.defence.made_room >= 1900
    for sport in range(30, 55):
        assert target(world, flags(sport, "A")) == SERVERS[0]
    assert world.real().load == len(world.table)


def test_table_full_of_established_flows_refuses() -> None:
    world = World(settings=L4Settings(max_flows=3))
    for sport in (1, 2, 3):
        world.client(syn(sport))
        world.client(flags(sport, "A"))
    assert world.client(syn(4)) == Drop("flow_table_full")
    assert world.counters["flow_table_full"] == 1


def test_answers_to_one_port_by_two_virtual_addresses_are_the_newest_flows() -> None:
    """C.1: the server cannot tell them apart; IPVS lets both through and finds the newest entry first."""
    world = World(virtual=Virtual(fwmark=7), settings=L4Settings(marks=MARKS))
    first, second = (
        IP(src=CLIENT, dst=host) / TCP(sport=1, dport=80, flags="S") for host in (VIP, "192.0.2.81")
    )
    answer = IP(src=SERVERS[0], dst=CLIENT) / TCP(sport=8080, dport=1, flags="SA")
    assert sent(world.client(first))[1].dst == SERVERS[0]
    assert sent(world.server(answer))[1].src == VIP
    assert sent(world.client(second))[1].dst == SERVERS[0]
    assert world.real().load == 2
    assert sent(world.server(answer))[1].src == "192.0.2.81"
    assert sent(world.client(first))[1].dst == SERVERS[0]
    world.forwarder.table.expire_now(world.forwarder.table.entries[-1])
    assert sent(world.server(answer))[1].src == VIP
    assert world.real().load == 1


def test_mark_service_without_server_port_keeps_the_clients_port() -> None:
    """V2: two addresses, one service."""
    server = {"address": Address(SERVERS[0], 0)}
    world = World(virtual=Virtual(fwmark=7), settings=L4Settings(marks=MARKS), server=server)
    for host, port in ((VIP, 80), ("192.0.2.81", 443)):
        frame = sent(world.client(IP(src=CLIENT, dst=host) / TCP(sport=port, dport=port, flags="S")))
        assert (frame[1].dst, frame[TCP].dport) == (SERVERS[0], port)
    assert world.registry.services["l4:s"].stats.traffic.conns == 2


def test_port_zero_must_be_persistent() -> None:
    world = World(port=0)
    world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1, dport=99, flags="S"))
    assert world.counters["port_zero_not_persistent"] == 1
    assert not world.table.entries


@pytest.mark.parametrize("address", ["backend.example", CLIENT6])
def test_server_that_cannot_be_reached_by_nat(address: str) -> None:
    world = World(server={"address": Address(address, 80)})
    assert world.client(syn(1)) == Drop("server_address_unusable")
    assert world.real().load == 0


def test_failing_scheduler_is_no_server() -> None:
    world = World(scheduler=SchedulerSpec("other"))

    def refuse(spec: object) -> object:
        raise SchedulerError("no")

    world.registry._make_scheduler = refuse
    world.registry.pools["p"].schedulers.clear()
    world.client(syn(1))
    assert world.counters["scheduler_failed"] == 1


def test_drop_packet_takes_each_tenth() -> None:
    """V47, mode 3."""
    world = World(protocol="udp", settings=L4Settings(drop_packet=3, am_droprate=10))
    verdicts = [world.client(datagram(sport)) for sport in range(1, 101)]
    assert verdicts.count(Drop("defence_drop_packet")) == 10


def test_ipv6_opens_as_ipv4_does() -> None:
    world = World(Forward.DR, family=6)
    sent(world.client(ip(CLIENT6, "2001:db8:1::80") / TCP(sport=1, dport=80, flags="S")))
    assert world.real().active == 1


def test_no_destination_is_noted_once_a_second() -> None:
    """V59."""
    world = World(server={"weight": 0})
    for sport in range(1, 6):
        world.client(syn(sport))
    assert list(world.forwarder.admission.notes) == [
        "wlc: TCP 192.0.2.80:80 - no destination available: every live server is drained or has weight 0"
    ]
    world.now += 1.0
    world.client(syn(9))
    assert len(world.forwarder.admission.notes) == 2
    assert world.counters["no_destination"] == 6

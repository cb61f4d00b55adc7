"""What a master sends of real packets, judged by the other end's reader (`lvs-semantics` J.4)."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers.inet import IP, TCP, UDP
from twisted.internet.task import Clock

from director.model import synced
from director.model.synced import SyncedConnection
from director.model.virtual import L4Settings, SyncDaemon
from director.sync import message
from director.sync.io.master import Master
from tests.support.layer4_world import CLIENT, SERVERS, VIP, World, packed
from tests.unit.sync.io.ends import Wire, wire

__all__ = ["wire"]


class Told:
    """A world whose flows a master tells of."""

    def __init__(self, wire: Wire, world: World, **settings: Any) -> None:
        self.wire, self.world, self.clock = wire, world, Clock()
        self.master = Master(self.clock, SyncDaemon("eth0", 7), L4Settings(**settings))
        world.forwarder.synchronise(self.master.packet, self.master.put_off)
        world.synchronise = self.master.packet

    def messages(self, port: int = 0) -> list[list[SyncedConnection]]:
        self.world.now += 2.0
        self.master.tick(self.world.now)
        return [list(message.read(one, 7)) for one in self.wire.sent(port)]

    def records(self) -> list[SyncedConnection]:
        return [record for one in self.messages() for record in one]

    def client(self, flags: str, sport: int = 4000) -> None:
        self.world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=sport, dport=80, flags=flags))

    def server(self, flags: str, sport: int = 4000) -> None:
        self.world.server(IP(src=SERVERS[0], dst=CLIENT) / TCP(sport=8080, dport=sport, flags=flags))

    def establish(self, sport: int = 4000) -> None:
        self.client("S", sport)
        self.server("SA", sport)
        self.client("A", sport)


def test_a_connection_is_told_with_its_third_packet(wire: Wire) -> None:
    told = Told(wire, World())
    told.establish()
    assert told.messages() == []
    told.client("PA")
    (record,) = told.records()
    assert record == SyncedConnection(
        6, packed(CLIENT), 4000, packed(VIP), 80, packed(SERVERS[0]), 8080, synced.MASQ, 1, 0, 900
    )


def test_packets_of_the_hot_path_count(wire: Wire) -> None:
    told = Told(wire, World())
    told.establish()
    counts = []
    for packet in range(3, 110):
        told.client("PA")
        counts += [packet] * len(told.records())
    assert counts == [3, 53, 103]


def test_the_end_is_told_at_once(wire: Wire) -> None:
    told = Told(wire, World())
    told.establish()
    told.client("FA")
    (record,) = told.records()
    assert (record.state, record.flags & synced.INACTIVE) == (7, synced.INACTIVE), "CLOSE_WAIT"


def test_a_template_is_told_before_and_with_what_it_places(wire: Wire) -> None:
    told = Told(wire, World(persistent=300.0, netmask=24))
    told.establish()
    told.client("PA")
    found = told.records()
    templates = [one for one in found if one.flags & synced.TEMPLATE]
    assert len(templates) == 3
    assert templates[-1].client == packed("192.0.2.0")
    assert (templates[-1].cport, templates[-1].vport, templates[-1].dport) == (0, 80, 8080)
    assert templates[-1].state == 1, "ASSURED: the handshake is complete"
    assert len(found) - len(templates) == 1
    only = Told(wire, World(persistent=300.0), sync_persist_mode=1)
    only.wire.far.reverse()
    only.establish()
    only.client("PA")
    assert all(one.flags & synced.TEMPLATE for one in only.records())


def test_one_packet_connections_are_not_told(wire: Wire) -> None:
    told = Told(wire, World(protocol="udp", port=53, ops=True))
    for _ in range(60):
        told.world.client(IP(src=CLIENT, dst=VIP) / UDP(sport=1, dport=53) / b"ask")
    assert told.records() == []


def test_messages_wait_for_each_other_until_there_are_eight(wire: Wire) -> None:
    told = Told(wire, World(), sync_threshold=(1, 2))
    told.master.close()
    told.master = Master(told.clock, SyncDaemon("eth0", 7, maxlen=1), L4Settings(sync_threshold=(0, 1)))
    wire.far.reverse()
    told.world.forwarder.synchronise(told.master.packet, told.master.put_off)
    told.world.synchronise = None
    for sport in range(4000, 4003):
        told.establish(sport)
    assert wire.sent() == []
    told.clock.advance(0.02)
    assert len(wire.sent()) == 2, "the third is not full yet"
    for sport in range(5000, 5009):
        told.establish(sport)
    assert len(wire.sent()) == 8


def test_connections_keep_to_a_port(wire: Wire) -> None:
    told = Told(wire, World(), sync_ports=4)
    for sport in range(4000, 4040):
        told.establish(sport)
        told.client("PA", sport)
    first = [told.messages(port) for port in range(4)]
    ports = [{one.cport for records in found for one in records} for found in first]
    assert sorted(port for found in ports for port in found) == list(range(4000, 4040))
    assert all(ports)


def test_what_waits_is_sent_at_the_end_and_a_dead_network_is_counted(wire: Wire) -> None:
    told = Told(wire, World())
    told.establish()
    told.client("PA")
    told.master.close()
    assert len(wire.sent()) == 1
    other = Told(wire, World())
    other.establish()
    other.client("PA")
    wire.far[-1].close()
    other.master.tick(1e9)
    assert other.master.counters()["lost_messages"] == 1
    wire.far.pop()


def test_a_missing_interface(wire: Wire) -> None:
    wire.missing = True
    with pytest.raises(OSError, match="No such device"):
        Master(Clock(), SyncDaemon("eth0"), L4Settings())

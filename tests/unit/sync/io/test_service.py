"""Both ends follow the settings: they begin, change, wait for their interface and end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from scapy.layers.inet import IP, TCP
from twisted.internet.task import Clock

from director.model.pools import Address, Server
from director.model.virtual import L4Settings, SyncDaemon
from director.registry.changes import ServerAdded
from director.sync.io import service
from director.sync.io.service import Synchronisation
from tests.support.layer4_world import CLIENT, SERVERS, VIP, World, packed
from tests.unit.l4.test_synced import record
from tests.unit.sync.io.ends import Wire, wire

__all__ = ["wire"]


class Both:
    def __init__(self) -> None:
        self.world, self.clock = World(), Clock()
        self.heard: list[Callable[..., None] | None] = []
        self.ends = Synchronisation(self.clock, self.world.forwarder, self.heard.append)

    def configure(self, **settings: Any) -> None:
        self.ends.configure(L4Settings(**settings))


def test_a_master_begins_tells_and_ends(wire: Wire) -> None:
    both = Both()
    both.configure(sync_master=SyncDaemon("eth0", 7), sync_threshold=(0, 1))
    assert both.heard[-1] is not None
    for flags in ("S", "A"):
        both.world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=4000, dport=80, flags=flags))
    both.clock.advance(both.world.now + 3)
    (message,) = wire.sent()
    assert message[1] == 7
    both.configure()
    assert both.heard[-1] is None
    assert dict(both.ends.counters())["sync_told"] == 1
    both.world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=4000, dport=80, flags="FA"))
    both.clock.advance(10)
    assert dict(both.ends.counters())["sync_told"] == 1, "nobody is told any more"


def test_other_thresholds_do_not_interrupt_and_another_id_does(wire: Wire) -> None:
    both = Both()
    both.configure(sync_master=SyncDaemon("eth0", 7))
    both.configure(sync_master=SyncDaemon("eth0", 7), sync_threshold=(0, 1))
    assert len(wire.far) == 1
    both.configure(sync_master=SyncDaemon("eth0", 8), sync_threshold=(0, 1))
    assert len(wire.far) == 2
    both.configure(sync_master=SyncDaemon("eth0", 8), sync_ports=4)
    assert len(wire.far) == 6
    both.ends.close()


def test_an_interface_that_comes_later(wire: Wire) -> None:
    both = Both()
    wire.missing = True
    both.configure(sync_master=SyncDaemon("eth9", 7))
    assert "does not run on eth9 syncid 7" in both.ends.troubles["master"]
    both.clock.advance(2)
    assert both.heard == []
    wire.missing = False
    both.clock.pump([0.25] * 8)
    assert both.ends.troubles == {}
    assert both.heard[-1] is not None
    both.ends.close()
    assert both.clock.getDelayedCalls() == []


class HeardOnly:
    """A backup whose datagrams the test hands over."""

    def __init__(self, reactor: object, clock: object, daemon: SyncDaemon, ports: int, replicas: Any) -> None:
        self.take, self.closed = replicas.take, False
        self.counters: Counter[str] = Counter()

    def close(self) -> None:
        self.closed = True


def test_a_backup_learns_and_what_had_no_server_gets_one(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[HeardOnly] = []

    def make(*facts: Any) -> HeardOnly:
        made.append(HeardOnly(*facts))
        return made[-1]

    monkeypatch.setattr(service, "Backup", make)
    both = Both()
    both.configure(sync_backup=SyncDaemon("eth0", 7))
    assert both.world.forwarder.backup
    assert made[0].take(record(target=packed(SERVERS[1])), 0.0) == "homeless"
    assert dict(both.ends.counters())["sync_waiting_for_a_server"] == 1
    both.world.apply(ServerAdded("p", Server("late", Address(SERVERS[1], 8080))))
    both.ends.follow()
    assert len(both.world.table) == 1
    assert dict(both.ends.counters()) == {"sync_made": 1}
    both.configure()
    assert made[0].closed
    assert not both.world.forwarder.backup

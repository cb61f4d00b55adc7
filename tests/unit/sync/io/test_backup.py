"""Datagrams become flows, and what is none of ours is counted (`lvs-semantics` J.5, row V76)."""

from __future__ import annotations

from typing import Any

from director.l4.synced import Replicas
from director.model.virtual import L4Settings, SyncDaemon
from director.sync import version1
from director.sync.io.backup import Backup
from tests.support.layer4_world import World
from tests.unit.l4.test_synced import record


def heard(syncid: int, *datagrams: bytes) -> tuple[World, dict[str, int]]:
    world = World()
    forwarder = world.forwarder
    learnt = Replicas(forwarder.table, forwarder.services, forwarder.states, L4Settings())
    backup = Backup(None, lambda: world.now, SyncDaemon("eth0", syncid), 0, learnt)
    for one in datagrams:
        backup.datagramReceived(one, ("10.0.0.3", 40000))
    return world, dict(backup.counters)


def message(*ports: int, syncid: int = 7) -> bytes:
    return version1.message([version1.record(record(cport=port)) for port in ports], syncid)


def test_flows_of_messages() -> None:
    world, counters = heard(7, message(1, 2), message(2, 3))
    assert [one.cport for one in world.table.entries] == [1, 2, 3]
    assert counters == {"received_messages": 2, "made": 3, "updated": 1}


def test_messages_of_others() -> None:
    world, counters = heard(7, message(1, syncid=8), message(2)[:-1], b"", message(3) + b"\0")
    assert len(world.table) == 0
    assert counters == {"received_messages": 4, "id": 1, "size": 2, "truncated": 1}
    world, _ = heard(0, message(1, syncid=8))
    assert len(world.table) == 1


def test_what_came_before_a_broken_record_counts() -> None:
    broken = bytearray(message(1, 2))
    broken[8 + 36 + 2] = 0x10  # the second record's version
    world, counters = heard(7, bytes(broken))
    assert [one.cport for one in world.table.entries] == [1]
    assert counters == {"received_messages": 1, "made": 1, "record_version": 1}


def test_it_ends() -> None:
    class Port:
        stopped = 0

        def stopListening(self) -> Any:  # noqa: N802 - Twisted's name
            self.stopped += 1

    world = World()
    forwarder = world.forwarder
    learnt = Replicas(forwarder.table, forwarder.services, forwarder.states, L4Settings())
    backup = Backup(None, lambda: 0.0, SyncDaemon("eth0"), 0, learnt)
    port = Port()
    backup._listening.append(port)  # type: ignore[arg-type]
    backup.close()
    backup.close()
    assert port.stopped == 1

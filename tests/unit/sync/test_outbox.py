"""How records become messages (`lvs-semantics` J.1, J.4)."""

from __future__ import annotations

from attrs import evolve

from director.model.synced import SyncedConnection
from director.sync import message
from director.sync.outbox import Outbox
from tests.unit.sync.test_version1 import V4, V6


def sent(outbox: Outbox) -> list[list[SyncedConnection]]:
    found = []
    while (text := outbox.take()) is not None:
        found.append(list(message.read(text, 0)))
    return found


def test_a_message_goes_when_the_next_record_does_not_fit() -> None:
    outbox = Outbox(5, 8 + 2 * 36, 10, 1)
    for _ in range(3):
        outbox.add(V4, 0.0)
    assert sent(outbox) == [[V4, V4]]
    outbox.close()
    assert sent(outbox) == [[V4]]


def test_one_record_always_fits() -> None:
    outbox = Outbox(5, 1, 10, 1)
    outbox.add(V6, 0.0)
    outbox.add(V4, 0.0)
    outbox.close()
    assert sent(outbox) == [[V6], [V4]]


def test_a_message_that_is_not_full_goes_after_two_seconds() -> None:
    outbox = Outbox(5, 1472, 10, 1)
    outbox.add(V4, 100.0)
    outbox.add(V4, 101.9)
    outbox.tick(101.9)
    assert outbox.waiting == 0
    outbox.tick(102.0)
    assert sent(outbox) == [[V4, V4]]
    outbox.tick(200.0)
    assert outbox.waiting == 0, "nothing is told of nothing"


def test_no_more_records_than_their_number_can_say() -> None:
    outbox = Outbox(5, 65507, 10, 1)
    for _ in range(300):
        outbox.add(V4, 0.0)
    outbox.close()
    assert [len(one) for one in sent(outbox)] == [255, 45]


def test_a_full_queue_drops_what_is_new() -> None:
    outbox = Outbox(5, 1, 2, 1)
    told = [evolve(V4, cport=port) for port in range(1, 5)]
    for one in told:
        outbox.add(one, 0.0)
    outbox.close()
    assert outbox.counters["dropped_messages"] == 2
    assert sent(outbox) == [told[:1], told[1:2]]
    assert outbox.counters["sent_messages"] == 2


def test_what_the_old_version_cannot_tell_is_counted() -> None:
    outbox = Outbox(5, 1472, 10, 0)
    outbox.add(V6, 0.0)
    outbox.add(V4, 0.0)
    outbox.close()
    assert sent(outbox) == [[evolve(V4, timeout=None)]]
    assert outbox.counters["untold"] == 1

from __future__ import annotations

from director.l4.io.packet.pending import HoldQueue

A, B = (2, b"\x0a\0\0\1"), (2, b"\x0a\0\0\2")


def test_frames_come_out_in_order_once() -> None:
    queue: HoldQueue[int] = HoldQueue()
    assert all(queue.put(A, number, 0.0) for number in range(3))
    assert queue.take(A) == [0, 1, 2]
    assert queue.take(A) == []
    assert len(queue) == 0
    assert (queue.counters.held, queue.counters.released) == (3, 3)


def test_a_full_hop_refuses_and_counts() -> None:
    queue: HoldQueue[int] = HoldQueue(per_hop=2)
    assert [queue.put(A, number, 0.0) for number in range(4)] == [True, True, False, False]
    assert queue.put(B, 9, 0.0)
    assert queue.counters.dropped_hop_full == 2
    assert queue.take(A) == [0, 1]


def test_the_whole_is_bounded_too() -> None:
    queue: HoldQueue[int] = HoldQueue(total=3)
    assert [queue.put((1, bytes([n])), n, 0.0) for n in range(5)] == [True, True, True, False, False]
    assert queue.counters.dropped_all_full == 2
    assert len(queue.hops()) == 3


def test_patience_ends_by_the_first_frame() -> None:
    queue: HoldQueue[int] = HoldQueue(patience=3.0)
    queue.put(A, 1, 10.0)
    queue.put(A, 2, 12.9)
    queue.put(B, 3, 12.0)
    assert queue.expire(12.9) == []
    assert queue.expire(13.0) == [A]
    assert queue.counters.dropped_unresolved == 2
    assert len(queue) == 1


def test_a_failed_hop_loses_its_frames() -> None:
    queue: HoldQueue[int] = HoldQueue()
    queue.put(A, 1, 0.0)
    assert queue.fail(A) == 1
    assert queue.fail(A) == 0
    assert queue.hops() == []

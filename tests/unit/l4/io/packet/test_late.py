"""What is delayed leaves in its time, in its order, and never more than there is room for."""

from __future__ import annotations

from twisted.internet.task import Clock

from director.l4.io.packet.late import LateQueue
from director.l4.verdicts import Drop, Later, Outcome


class World:
    def __init__(self, most: int = 100) -> None:
        self.clock = Clock()
        self.done: list[tuple[str, float]] = []
        self.queue = LateQueue(self.clock, self.clock.seconds, self.perform, most)

    def perform(self, outcome: Outcome, now: float) -> None:
        assert isinstance(outcome, Drop)
        self.done.append((outcome.reason, now))

    def put(self, name: str, seconds: float) -> Later:
        later = Later(seconds, Drop(name))
        self.queue.put(later, self.clock.seconds())
        return later


def test_each_in_its_time_whatever_came_first() -> None:
    world = World()
    world.put("second", 2.0)
    world.put("first", 1.0)
    world.put("third", 2.0)
    world.clock.advance(0.9)
    assert world.done == []
    world.clock.pump([0.25] * 5)
    assert [name for name, _ in world.done] == ["first", "second", "third"]
    assert world.clock.getDelayedCalls() == []
    assert world.queue.counters.released == 3


def test_what_somebody_took_is_not_done_again() -> None:
    world = World()
    later = world.put("x", 1.0)
    assert later.take() == Drop("x")
    world.clock.advance(2.0)
    assert world.done == []
    assert world.queue.counters.released == 0


def test_there_is_room_for_so_many() -> None:
    world = World(most=2)
    left = [world.put(str(number), 1.0) for number in range(3)][-1]
    assert world.queue.counters.dropped_full == 1
    assert not left.waits
    world.clock.advance(1.0)
    assert [name for name, _ in world.done] == ["0", "1"]
    world.put("again", 1.0)
    assert world.queue.counters.held == 3


def test_closed_it_does_nothing_more() -> None:
    world = World()
    world.put("x", 1.0)
    world.queue.close()
    assert world.clock.getDelayedCalls() == []
    world.clock.advance(2.0)
    assert world.done == []

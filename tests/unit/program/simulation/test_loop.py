from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import IReactorFDSet, IReactorTime
from twisted.internet.task import LoopingCall
from zope.interface.verify import verifyObject

from director.program.simulation.loop import SimulatedLoop
from director.program.simulation.sockets import Cable, End


def test_it_is_a_reactor() -> None:
    loop = SimulatedLoop()
    assert verifyObject(IReactorTime, loop)
    assert verifyObject(IReactorFDSet, loop)


def test_things_happen_by_time_and_then_in_the_order_in_which_they_were_asked_for() -> None:
    loop = SimulatedLoop()
    done: list[str] = []
    loop.after(2.0, done.append, "late")
    loop.after(1.0, done.append, "first")
    loop.callLater(1.0, done.append, "second")
    loop.at(0.5, lambda: loop.at(0.1, done.append, "never before now"))
    loop.run(1.5)
    assert done == ["never before now", "first", "second"]
    assert loop.seconds() == 1.5
    loop.run(3.0)
    assert done[-1] == "late"


def test_a_timer_may_be_moved_and_taken_back() -> None:
    loop = SimulatedLoop()
    done: list[str] = []
    moved = loop.callLater(1.0, done.append, "moved")
    gone = loop.callLater(1.0, done.append, "gone")
    moved.reset(3.0)
    moved.delay(1.0)
    gone.cancel()
    with pytest.raises(AlreadyCancelled):
        gone.cancel()
    assert [one.getTime() for one in loop.getDelayedCalls()] == [4.0]
    loop.run(3.9)
    assert done == []
    loop.run(4.0)
    assert done == ["moved"]
    assert not moved.active()
    with pytest.raises(AlreadyCalled):
        moved.cancel()


def test_twisted_repeats_on_it() -> None:
    loop = SimulatedLoop()
    done: list[float] = []
    repeated = LoopingCall(lambda: done.append(loop.seconds()))
    repeated.clock = loop
    repeated.start(0.5, now=False)
    loop.run(1.6)
    repeated.stop()
    assert done == [0.5, 1.0, 1.5]
    assert loop.getDelayedCalls() == []


def test_a_halt_stops_time() -> None:
    loop = SimulatedLoop()
    loop.after(1.0, loop.halt)
    loop.after(2.0, loop.halt)
    loop.run(10.0)
    assert loop.seconds() == 1.0


class Descriptor:
    def __init__(self, end: End) -> None:
        self.end = end
        self.told: list[str] = []

    def fileno(self) -> int:
        return self.end.number

    def doRead(self) -> None:
        self.told.append(f"read {self.end.recv(100)!r}")

    def doWrite(self) -> None:
        self.told.append("write")
        self.end.loop.removeWriter(self)  # type: ignore[attr-defined]

    def connectionLost(self, reason: Any) -> None:
        self.told.append("lost")


def connected(loop: SimulatedLoop) -> tuple[End, Descriptor]:
    found: list[Any] = []
    doorway = loop.network.listen(("127.0.0.1", 80))
    loop.network.call(("127.0.0.1", 80), "192.0.2.1", Cable(0.001), found.append)
    loop.run(1.0)
    return found[0], Descriptor(doorway.accept()[0])


def test_a_descriptor_is_told_as_long_as_it_is_ready() -> None:
    loop = SimulatedLoop()
    client, one = connected(loop)
    client.send(b"x" * 150)
    loop.addReader(one)
    loop.addWriter(one)
    loop.run(2.0)
    assert [word.split()[0] for word in one.told] == ["write", "read", "read"]
    loop.removeReader(one)
    client.send(b"y")
    loop.run(3.0)
    assert len(one.told) == 3, "nobody reads"


def test_a_reset_is_told_to_who_writes_and_to_who_waits_behind_the_end() -> None:
    loop = SimulatedLoop()
    client, one = connected(loop)
    loop.addWriter(one)
    loop.run(1.1)
    one.told.clear()
    hang_ups = loop.watch_end(one)
    client.abort()
    loop.run(2.0)
    assert one.told == ["lost"]
    hang_ups.forget(one)
    poller = loop.poll()
    poller.register(one.end, 0)
    assert poller.poll(0)


@pytest.mark.parametrize("reads_first", [True, False])
def test_a_process_that_stands_still_is_late_and_the_world_is_not(reads_first: bool) -> None:
    loop = SimulatedLoop()
    client, one = connected(loop)
    loop.addReader(one)
    loop.callLater(1.0, one.told.append, "timer")
    loop.after(1.0, one.told.append, "world")
    loop.hold_up(5.0, reads_first=reads_first)
    client.send(b"x")
    loop.run(5.9)
    assert one.told == ["world"]
    assert loop.is_held
    loop.run(7.0)
    assert one.told[1:] == (["read b'x'", "timer"] if reads_first else ["timer", "read b'x'"])


def test_a_process_without_descriptors_gets_no_socket() -> None:
    loop = SimulatedLoop()
    loop.starving = True
    with pytest.raises(OSError, match="no descriptor"):
        loop.socket(2, 1)

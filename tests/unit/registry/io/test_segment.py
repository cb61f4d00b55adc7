"""The mapping and its locks, between this process and one that it forks."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from director.errors import DirectorError
from director.registry.cells import ACTIVE, Geometry
from director.registry.io import segment as segments
from director.registry.io.segment import Segment
from tests.support.running import wait_until

SIZE = Geometry(slots=100, columns=3, shared=16)


@pytest.fixture
def made() -> Iterator[Segment]:
    made = segments.create(SIZE)
    yield made
    made.close()


class Child:
    """Another process, which does something and then waits for its end."""

    def __init__(self, act: Callable[[], object]) -> None:
        done, tell = os.pipe()
        wait, self._go = os.pipe()
        self.process = os.fork()
        if self.process == 0:
            os.close(self._go)
            act()
            os.write(tell, b".")
            os.read(wait, 1)
            os._exit(0)
        os.close(tell)
        os.close(wait)
        assert os.read(done, 1) == b"."
        os.close(done)

    def end(self) -> None:
        os.close(self._go)
        os.waitpid(self.process, 0)


def test_what_a_process_writes_another_sees(made: Segment) -> None:
    table = made.table(0)

    def write() -> None:
        other = segments.attach(made.descriptor).table(2)
        other.words[other.own(42, ACTIVE)] += 7
        other.shared("tenants", 2).mine[1] += 3

    Child(write).end()
    assert sum(table.row(42, ACTIVE)) == 7
    assert table.shared("tenants", 2).total(1) == 3
    table.words.release()


def state(process: int) -> str:
    """Of a process, as in proc(5)."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0]


def test_a_holder_that_has_no_processor_is_waited_for(made: Segment, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine it is away for longer than all turns: no server is full for that."""
    child = Child(lambda: made.take(5))
    looks: list[int] = []

    def pause(_seconds: float) -> None:
        looks.append(1)
        if len(looks) == 3:
            child.end()

    monkeypatch.setattr("time.sleep", pause)
    assert made.take(5)
    assert len(looks) == 3


def test_one_that_is_stopped_is_not(made: Segment, monkeypatch: pytest.MonkeyPatch) -> None:
    child = Child(lambda: made.take(5))
    os.kill(child.process, signal.SIGSTOP)
    assert wait_until(lambda: state(child.process) == "T")
    monkeypatch.setattr("time.sleep", None)
    assert not made.take(5)
    os.kill(child.process, signal.SIGCONT)
    child.end()


def test_a_lock_is_its_holders_and_ends_with_it(made: Segment) -> None:
    child = Child(lambda: made.take(5))
    assert made.holder(5) == child.process
    assert not made.take(5), "not within its patience"
    assert made.take(6)
    assert made.holder(6) is None, "our own"
    made.give(6)
    child.end()
    assert made.holder(5) is None
    assert made.take(5)


def test_a_slot_that_nobody_uses_costs_no_memory() -> None:
    made = segments.create(Geometry(slots=65536, columns=130))
    assert os.fstat(made.descriptor).st_size > 500 << 20
    assert os.fstat(made.descriptor).st_blocks * 512 <= 1 << 20
    made.close()


def test_something_else_is_no_mapping() -> None:
    for length in (0, 4096):
        descriptor = os.memfd_create("other")
        os.ftruncate(descriptor, length)
        with pytest.raises(DirectorError, match="restart the director"):
            segments.attach(descriptor)
        os.close(descriptor)
    with pytest.raises(DirectorError, match="cannot be mapped"):
        segments.attach(descriptor)


def test_a_mapping_that_was_cut_is_refused(made: Segment) -> None:
    copy = os.memfd_create("cut")
    os.write(copy, os.pread(made.descriptor, 4096, 0))
    with pytest.raises(DirectorError, match="not the size it says"):
        segments.attach(copy)
    os.close(copy)


def test_a_system_that_gives_no_memory_is_told_of() -> None:
    before = len([*Path("/proc/self/fd").iterdir()])
    with pytest.raises(DirectorError, match=r"set workers = 0, or raise the limit"):
        segments.create(Geometry(slots=2**50, columns=64))
    assert len([*Path("/proc/self/fd").iterdir()]) == before


def test_the_owner_of_a_column_is_known_as_long_as_it_lives(made: Segment) -> None:
    held: list[Segment] = []

    def occupy() -> None:
        held.append(segments.attach(made.descriptor))
        held[0].occupy(2)

    child = Child(occupy)
    assert made.occupants() == {2: child.process}
    made.occupy(0)
    assert made.occupants() == {2: child.process}, "others alone"
    child.end()
    assert made.occupants() == {}


def test_a_holder_that_was_waited_for_in_vain_is_not_waited_for_again_for_a_while(
    made: Segment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process whose cgroup is frozen looks as if it wanted to go on."""
    child = Child(lambda: (made.take(5), made.take(6)))
    naps: list[float] = []
    clock = 100.0

    def pause(seconds: float) -> None:
        nonlocal clock
        naps.append(seconds)
        clock += seconds

    monkeypatch.setattr("time.sleep", pause)
    monkeypatch.setattr("time.monotonic", lambda: clock)
    assert not made.take(5)
    assert sum(naps) == pytest.approx(segments.PATIENCE, abs=segments.NAP)
    naps.clear()
    assert not made.take(5)
    assert not made.take(6)
    assert naps == []
    clock += segments.VAIN
    assert not made.take(6)
    assert naps
    monkeypatch.undo()
    child.end()
    assert made.take(5)

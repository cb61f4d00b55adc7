from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from attrs import evolve
from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock

from director.admin.chronicle import STEP
from director.admin.pulse import HISTORY_FILE, KEEP_SECONDS, Pulse
from director.admin.testing import MemoryControl
from director.admin.trends import History
from director.admin.turns import Turns
from tests.support.said import said
from tests.unit.admin import sample


def pulse(folder: Path, control: MemoryControl, clock: Clock) -> Pulse:
    work: Callable[[Callable[[], object]], Deferred[object]] = execute
    return Pulse(control, History(), Turns(clock), folder, work)


def later(control: MemoryControl, seconds: float) -> None:
    control.at = evolve(control.at, now=control.at.now + seconds, time=control.at.time + seconds)


def beat(one: Pulse, clock: Clock) -> None:
    one.beat()
    clock.pump([0.01] * 20)


def test_a_row_is_written_when_one_is_due_and_the_hour_outlives_the_run(tmp_path: Path) -> None:
    control, clock = sample.control(), Clock()
    one = pulse(tmp_path, control, clock)
    one.start()
    for _ in range(10):
        beat(one, clock)
        later(control, 2.0)
    found = one.chronicle.series("web", control.at.time, 2 * STEP)
    assert found is not None
    one.stop()
    assert (tmp_path / HISTORY_FILE).stat().st_mode & 0o777 == 0o600
    other = pulse(tmp_path, control, clock)
    other.start()
    assert other.chronicle.series("web", control.at.time, 2 * STEP) == found


def test_it_is_kept_now_and_then(tmp_path: Path) -> None:
    control, clock = sample.control(), Clock()
    one = pulse(tmp_path, control, clock)
    one.start()
    beat(one, clock)
    assert not (tmp_path / HISTORY_FILE).exists()
    later(control, KEEP_SECONDS)
    beat(one, clock)
    assert (tmp_path / HISTORY_FILE).exists()


def test_a_file_that_cannot_be_used_is_said_once_and_nothing_stops(tmp_path: Path) -> None:
    control, clock = sample.control(), Clock()
    (tmp_path / HISTORY_FILE).write_text("what is this")
    with said() as lines:
        one = pulse(tmp_path, control, clock)
        one.start()
        beat(one, clock)
    assert len(lines) == 1
    assert "begin anew" in lines[0]
    missing = pulse(tmp_path / "no" / "folder", control, clock)
    with said() as lines:
        missing.start()
        missing.stop()
        missing.stop()
    assert len(lines) == 1

"""Workers that were left alone wait for the next control process, and go when it says so."""

from __future__ import annotations

import os
from pathlib import Path

from director.program.processes.orphan import RETIREMENT, WORKER, Orphan, orphans, release
from tests.support.loops import loop_of


def test_they_are_found_and_retire_when_they_are_told(tmp_path: Path) -> None:
    told: list[float] = []
    with loop_of() as loop:
        one = Orphan(loop.reactor, str(tmp_path), WORKER, told.append)
        one.listen()
        waiting = orphans(tmp_path, WORKER)
        assert len(waiting) == 1
        loop.quiet()
        assert told == [], "not before the next one serves"
        release(waiting)
        loop.turn(lambda: told)
        assert told == [RETIREMENT]
        one.close()
        loop.quiet()
        assert orphans(tmp_path, WORKER) == []


def test_what_is_left_of_one_that_ended_is_removed(tmp_path: Path) -> None:
    dead = tmp_path / "worker-1.sock"
    dead.touch()
    assert orphans(tmp_path, WORKER) == []
    assert not dead.exists()


def test_its_name_is_that_of_its_process(tmp_path: Path) -> None:
    with loop_of() as loop:
        one = Orphan(loop.reactor, str(tmp_path), WORKER, lambda _: None)
        one.listen()
        assert [path.name for path in tmp_path.glob("*.sock")] == [f"worker-{os.getpid()}.sock"]
        one.close()
        loop.quiet()

"""Workers that were left alone wait for the next control process, and go when it says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from threading import Thread

from director.program.processes.orphan import (
    RETIREMENT,
    WORKER,
    Alone,
    Orphan,
    dismiss,
    orphans,
    release,
    relieved,
)
from tests.support.loops import loop_of
from tests.support.said import said

PROGRAM = """
import socket, time
with socket.socket(socket.AF_UNIX) as door:
    door.bind("{}")
    door.listen()
    print("listens", flush=True)
    heir, _ = door.accept()
    assert heir.recv(100).startswith(b"retire ")
    time.sleep(0.1)
"""


def test_they_are_found_and_retire_when_they_are_told(tmp_path: Path) -> None:
    told: list[float] = []
    with loop_of() as loop:
        one = Orphan(loop.reactor, str(tmp_path), WORKER, Alone(dict, object, told.append))
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
        one = Orphan(loop.reactor, str(tmp_path), WORKER, Alone(dict, object, print))
        one.listen()
        assert [path.name for path in tmp_path.glob("*.sock")] == [f"worker-{os.getpid()}.sock"]
        one.close()
        loop.quiet()


def test_workers_go_before_somebody_listens_who_shares_no_address(tmp_path: Path) -> None:
    """As a process of its own, for it blocks; the worker is another one that ends by itself."""
    with loop_of() as loop:
        told: list[float] = []
        one = Orphan(loop.reactor, str(tmp_path), WORKER, Alone(dict, object, told.append))
        one.listen()
        dismissing = Thread(target=dismiss, args=(tmp_path,))
        dismissing.start()
        loop.turn(lambda: told)
        one.close()
        loop.turn(lambda: not dismissing.is_alive())
        assert list(tmp_path.iterdir()) == []


def test_layer_4_of_an_earlier_run_is_waited_for(tmp_path: Path) -> None:
    with loop_of() as loop, said() as lines:
        done: list[None] = []
        relieved(tmp_path, loop.reactor).addCallback(done.append)
        assert done == [None], "there is none"
        program = PROGRAM.format(tmp_path / "layer4-1.sock")
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == b"listens\n"
            done.clear()
            relieved(tmp_path, loop.reactor).addCallback(done.append)
            loop.turn(lambda: done)
            assert other.wait(5) == 0
    assert lines == ["info: layer 4 of an earlier run has handed over"]

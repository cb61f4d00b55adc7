"""A process that is started, talks, and is waited for; with a program of the test's own in it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.internet.process import reapAllProcesses

from director.program.processes.adoption import Adoptee
from director.program.processes.process import Adopted, Process, why_ended
from director.registry.cells import Geometry
from director.registry.io.segment import Segment, create
from tests.support.loops import Loop, loop_of
from tests.support.running import wait_until

PROGRAM = """
import os, sys
while len(os.read(3, 4096)):
    pass
"""


def state(pid: int) -> str:
    """Of a process, as in proc(5)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.fixture
def segment() -> Iterator[Segment]:
    made = create(Geometry(4, 2))
    yield made
    made.close()


@pytest.fixture
def loop() -> Iterator[Loop]:
    with loop_of() as made:
        yield made


def test_it_is_started_and_waited_for(
    loop: Loop, segment: Segment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reads_all.py").write_text(PROGRAM)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    ended: list[Any] = []
    one = Process(
        loop.reactor, "reads_all", "worker 2", 1, 2, {}, lambda found, why: ended.append((found, why))
    )
    one.spawn(segment.descriptor)
    assert os.path.exists(f"/proc/{one.pid}")  # noqa: PTH110 - a process is no path
    assert one.name == "worker 2"
    one.beat()
    os.kill(one.pid, signal.SIGSTOP)
    assert wait_until(lambda: state(one.pid) == "T")
    assert one.starved() >= 0.0
    assert one.starved() == 0.0, "who is stopped does not wait for a processor"
    one.kill()

    def waited_for() -> bool:
        # A reactor that runs does it upon SIGCHLD.
        reapAllProcesses()
        return bool(ended)

    loop.turn(waited_for)
    assert ended == [(one, "by SIGKILL")]
    assert one.over.called
    loop.turn(lambda: not one.channel.open)
    one.kill()


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (ProcessTerminated(signal=15), "by SIGTERM"),
        (ProcessTerminated(exitCode=3), "with status 3"),
        (ProcessDone(0), "by itself"),
    ],
)
def test_the_end_in_words(end: Exception, words: str) -> None:
    assert why_ended(end) == words


def test_one_that_is_not_there_waits_for_nothing(loop: Loop) -> None:
    assert Process(loop.reactor, "none", "worker 1", 0, 1, {}, lambda *_: None).starved() == 0.0


def test_one_that_another_started_is_watched_and_killed(loop: Loop, segment: Segment) -> None:
    here, there = socket.socketpair()
    ended: list[str] = []
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    left = os.open(os.devnull, os.O_RDONLY)
    adoptee = Adoptee(here, child.pid, {"column": 1}, {"127.0.0.1 80": left})
    one = Adopted(adoptee, loop.reactor, "any", "worker 1", 0, 1, {}, lambda _, why: ended.append(why))
    one.spawn(segment.descriptor)
    assert one.pid == child.pid
    assert one.has == {"127.0.0.1 80"}
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(left)
    loop.quiet()
    assert ended == []
    one.kill()
    loop.turn(lambda: ended)
    assert child.wait(10) == -signal.SIGKILL
    assert ended == ["for a reason unknown here (an earlier run had started it)"]
    assert one.pid == 0
    one.kill()
    gone = Adopted(adoptee, loop.reactor, "any", "worker 1", 0, 1, {}, lambda _, why: ended.append(why))
    with pytest.raises(ProcessLookupError):
        gone.spawn(segment.descriptor)
    assert child.stdin is not None
    child.stdin.close()
    there.close()
    loop.quiet()

"""Programs under a real reactor that the test turns."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.interfaces import IReadDescriptor
from zope.interface.verify import verifyObject

from director.health.io.program import RunningProgram
from director.health.probes.exec import OUTPUT_KEPT
from tests.support.loops import Loop, loop_of


@pytest.fixture
def loop() -> Iterator[Loop]:
    with loop_of() as made:
        yield made


class Run:
    """A shell as the program, because it can do all that a program may do."""

    def __init__(self, loop: Loop, script: str) -> None:
        self.loop = loop
        self.ended: list[tuple[int, bytes]] = []
        self.program = RunningProgram(
            loop.reactor,
            ("/bin/sh", "-c", script),
            {"CHECK_PORT": "80"},
            lambda status, output: self.ended.append((status, output)),
        )

    def end(self) -> tuple[int, bytes]:
        self.loop.turn(lambda: self.ended)
        return self.ended[0]


def test_what_it_watches_are_descriptors(loop: Loop) -> None:
    run = Run(loop, "exit 0")
    assert verifyObject(IReadDescriptor, run.program._waiting)
    run.end()


@pytest.mark.parametrize(
    ("script", "end"),
    [
        ("exit 0", (0, b"")),
        ("echo up; exit 0", (0, b"up\n")),
        ("echo bad >&2; exit 3", (3, b"bad\n")),
        ("echo $CHECK_PORT$HOME", (0, b"80\n")),
        ("kill -TERM $$", (-signal.SIGTERM, b"")),
        # It ends although a child of its holds the pipe.
        ("sleep 60 & exit 1", (1, b"")),
    ],
)
def test_its_end_is_told_with_what_it_said(loop: Loop, script: str, end: tuple[int, bytes]) -> None:
    run = Run(loop, script)
    assert run.end() == end
    loop.quiet()
    assert len(run.ended) == 1


def test_much_that_it_says_neither_blocks_it_nor_is_kept(loop: Loop) -> None:
    status, output = Run(loop, "head -c 1000000 /dev/zero | tr '\\0' x; exit 4").end()
    assert (status, output) == (4, b"x" * OUTPUT_KEPT)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_it_is_ended_with_its_children(loop: Loop, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    run = Run(loop, f"sleep 60 & echo $! $$ > {pids}; wait")
    loop.turn(lambda: pids.exists() and pids.read_text().endswith("\n"))
    before = descriptors()
    run.program.cut()
    run.program.cut()
    loop.turn(lambda: descriptors() == before - 2)
    assert run.ended == []

    def is_gone(pid: str) -> bool:
        status = Path(f"/proc/{pid}/stat")
        try:
            return status.read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            return True

    loop.turn(lambda: all(map(is_gone, pids.read_text().split())))


def test_what_cannot_be_started_is_an_error(loop: Loop) -> None:
    with pytest.raises(FileNotFoundError):
        RunningProgram(loop.reactor, ("/nonexistent/check",), {}, lambda *_: None)

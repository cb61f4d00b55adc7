"""Writing off the loop: order, dead targets, full disks, rotation."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from director.l7.io.writer import QUEUED_BLOCKS, QUEUED_OCTETS, QUIET, LineWriter


def wait_until(condition: Callable[[], object]) -> None:
    while not condition():
        pass


def test_blocks_arrive_in_order(tmp_path: Path) -> None:
    writer = LineWriter(str(tmp_path / "log"), pytest.fail)
    writer.start()
    for number in range(500):
        writer.write(b"%d\n" % number)
    writer.stop()
    assert (tmp_path / "log").read_text().split() == [str(number) for number in range(500)]
    assert (writer.dropped, writer.failures) == (0, 0)


def test_a_file_that_cannot_be_opened_is_an_error_at_start(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        LineWriter(str(tmp_path / "none" / "log"), pytest.fail).start()


def test_a_full_disk_is_told_once_and_counted() -> None:
    told: list[str] = []
    writer = LineWriter("/dev/full", told.append)
    writer.start()
    for _ in range(5):
        writer.write(b"x\n")
    writer.stop()
    assert told == ["the log cannot be written: No space left on device; lines are dropped, traffic goes on"]
    assert (writer.failures, writer.dropped) == (5, 5)


def test_it_is_told_when_lines_are_written_again_and_how_many_are_lost(tmp_path: Path) -> None:
    """A disk with room again: another file under the same descriptor, as after a rotation."""
    told: list[str] = []
    now = [0.0]
    path = tmp_path / "log"
    path.symlink_to("/dev/full")
    writer = LineWriter(str(path), told.append, lambda: now[0])
    writer.start()
    writer.write(b"a\nb\nc\n")
    wait_until(lambda: writer._taken)
    path.unlink()
    writer.reopen()
    writer.write(b"d\n")
    wait_until(lambda: writer._taken > 6)
    assert len(told) == 1, "the next block may be lost again"
    now[0] = QUIET
    for block in (b"e\n", b"f\n"):
        writer.write(block)
    writer.stop()
    assert told[1:] == ["the log is written again; 3 line(s) were lost"]
    assert path.read_text() == "d\ne\nf\n"


def test_a_line_that_was_cut_is_not_glued_to_the_next(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As at ENOSPC: a part fits, and then nothing."""
    path, real, said = tmp_path / "log", os.write, [3, -1]

    def write(descriptor: int, view: bytes | memoryview) -> int:
        room = said.pop(0) if said else len(view)
        if room < 0:
            raise OSError(28, "No space left on device")
        return real(descriptor, view[:room])

    writer = LineWriter(str(path), lambda _: None)
    writer.start()
    monkeypatch.setattr(os, "write", write)
    for block in (b"first\n", b"second\n", b"third\n"):
        writer.write(block)
    writer.stop()
    assert path.read_text() == "fir\nsecond\nthird\n"
    assert writer.dropped == 1


def test_a_pipe_that_is_gone_is_told_once_and_counted() -> None:
    told: list[str] = []
    reader, target = os.pipe()
    os.close(reader)
    writer = LineWriter(target, told.append)
    writer.start()
    writer.write(b"x\n")
    writer.write(b"y\n")
    writer.stop()
    os.close(target)
    assert told == ["the log cannot be written: Broken pipe; lines are dropped, traffic goes on"]
    assert writer.failures == 2


def test_a_pipe_that_nobody_reads_never_stops_the_caller() -> None:
    told: list[str] = []
    reader, target = os.pipe()
    writer = LineWriter(target, told.append)
    writer.start()
    # The first fills the pipe, and the thread with it.
    writer.write(b"x" * (1 << 20))
    for _ in range(QUEUED_BLOCKS + 10):
        writer.write(b"x\n")
    assert writer.dropped >= 8
    assert len(told) == 1
    assert "cannot keep up" in told[0]
    writer.stop()
    assert writer.dropped >= QUEUED_BLOCKS
    os.close(reader)
    for thread in threading.enumerate():
        if thread.name == "log-writer":
            thread.join(2)
    os.close(target)


def test_long_lines_that_nobody_reads_are_bounded_by_their_octets() -> None:
    told: list[str] = []
    reader, target = os.pipe()
    writer = LineWriter(target, told.append)
    writer.start()
    given = 0
    while not writer.dropped:
        writer.write(b"x" * (1 << 20))
        given += 1
        assert given < QUEUED_BLOCKS
    assert QUEUED_OCTETS <= given << 20 < QUEUED_OCTETS + (4 << 20)
    assert len(told) == 1
    # When somebody reads again, lines are taken again.
    drain = threading.Thread(target=lambda: [None for _ in iter(lambda: os.read(reader, 1 << 20), b"")])
    drain.start()
    dropped = writer.dropped
    while writer.dropped == dropped and writer._given - writer._taken > 0:
        pass
    writer.write(b"y\n")
    writer.stop()
    assert writer.dropped == dropped
    os.close(target)
    drain.join(2)
    os.close(reader)


def test_a_rotated_file_is_opened_anew_under_the_same_descriptor(tmp_path: Path) -> None:
    path = tmp_path / "log"
    writer = LineWriter(str(path), pytest.fail)
    writer.start()
    writer.write(b"old\n")
    while not path.read_bytes():
        pass
    before = writer._file
    path.rename(tmp_path / "log.1")
    writer.reopen()
    writer.write(b"new\n")
    writer.stop()
    assert writer._file == before
    assert path.read_text() == "new\n"
    assert (tmp_path / "log.1").read_text() == "old\n"


def test_a_reopen_that_fails_keeps_the_old_file(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    writer = LineWriter(str(folder / "log"), pytest.fail)
    writer.start()
    folder.rename(tmp_path / "moved")
    with pytest.raises(OSError, match="No such file"):
        writer.reopen()
    writer.write(b"on\n")
    writer.stop()
    assert (tmp_path / "moved" / "log").read_text() == "on\n"

"""The access log: records in, lines out."""

from __future__ import annotations

import json
from pathlib import Path

from twisted.internet.testing import MemoryReactorClock

from director.l7.io.access_log import AccessLog
from director.l7.proxy.trace import Record

RECORD: Record = (
    "1", 0.0, "www", "192.0.2.7", "GET", "/", "h", "", "web", False, ("rr", 0, 0, 1, 2), "a", (), (), "", 200,
    "ok", 41, 0, None, 0.001, 0.002,
)  # fmt: skip


def log(target: str, form: str = "text") -> AccessLog:
    made = AccessLog(target, form, 0.0, MemoryReactorClock())
    made.start()
    return made


def test_a_record_is_a_line(tmp_path: Path) -> None:
    made = log(str(tmp_path / "log"))
    made.extend([RECORD])
    made.stop()
    lines = (tmp_path / "log").read_text().splitlines()
    assert len(lines) == 1
    assert "192.0.2.7" in lines[0]


def test_json_lines_are_json(tmp_path: Path) -> None:
    made = log(str(tmp_path / "log"), "json")
    made.extend([RECORD])
    made.extend([RECORD])
    made.stop()
    told = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [one["status"] for one in told] == [200, 200]


def test_off_writes_nothing() -> None:
    made = log("off")
    made.extend([RECORD])
    made.reopen()
    assert made.writer is None
    made.stop()


def test_a_rotated_file_is_opened_anew(tmp_path: Path) -> None:
    made = log(str(tmp_path / "log"))
    (tmp_path / "log").rename(tmp_path / "log.1")
    made.reopen()
    made.extend([RECORD])
    made.stop()
    assert (tmp_path / "log").read_text()
    assert not (tmp_path / "log.1").read_text()

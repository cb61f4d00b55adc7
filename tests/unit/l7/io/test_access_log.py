"""The access log: records in, lines out."""

from __future__ import annotations

import json
from pathlib import Path

from twisted.internet.testing import MemoryReactorClock

from director.l7.io.access_log import BATCH_RECORDS, AccessLog
from director.l7.trace import Record

RECORD: Record = (
    "1", 0.0, "www", "192.0.2.7", "GET", "/", "h", "", "web", False, ("rr", 0, 0, 1, 2), "a", (), "", 200,
    "ok", 41, 0, None, 0.001, 0.002,
)  # fmt: skip


def log(target: str, form: str = "text") -> AccessLog:
    made = AccessLog(target, form, 0.0, MemoryReactorClock())
    made.start()
    return made


def test_a_record_is_a_line(tmp_path: Path) -> None:
    made = log(str(tmp_path / "log"))
    made.append(RECORD)
    made.stop()
    lines = (tmp_path / "log").read_text().splitlines()
    assert len(lines) == 1
    assert "192.0.2.7" in lines[0]


def test_json_lines_are_json(tmp_path: Path) -> None:
    made = log(str(tmp_path / "log"), "json")
    made.append(RECORD)
    made.append(RECORD)
    made.stop()
    told = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [one["status"] for one in told] == [200, 200]


def test_a_full_batch_is_written_at_once(tmp_path: Path) -> None:
    made = log(str(tmp_path / "log"))
    for _ in range(BATCH_RECORDS):
        made.append(RECORD)
    assert made._batch == []
    made.stop()
    assert len((tmp_path / "log").read_text().splitlines()) == BATCH_RECORDS


def test_off_writes_nothing_and_keeps_nothing() -> None:
    made = log("off")
    for _ in range(BATCH_RECORDS + 1):
        made.append(RECORD)
    made.flush()
    made.reopen()
    assert made._batch == []
    assert made.writer is None
    made.stop()


def test_a_rotated_file_is_opened_anew(tmp_path: Path) -> None:
    made = log(str(tmp_path / "log"))
    (tmp_path / "log").rename(tmp_path / "log.1")
    made.reopen()
    made.append(RECORD)
    made.stop()
    assert (tmp_path / "log").read_text()
    assert not (tmp_path / "log.1").read_text()

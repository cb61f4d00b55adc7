"""The program's own log: levels, forms, and what is remembered."""

from __future__ import annotations

import json
from pathlib import Path

from twisted.logger import ILogObserver, Logger
from zope.interface.verify import verifyObject

from director.program.logs import EVENTS_KEPT, EventLog


def told(tmp_path: Path, form: str = "text") -> tuple[EventLog, Path]:
    log = EventLog()
    log.form = form
    log.target = str(tmp_path / "log")
    log.open()
    return log, tmp_path / "log"


def test_it_is_an_observer() -> None:
    assert verifyObject(ILogObserver, EventLog())


def test_an_event_of_ours_is_a_line_and_is_remembered(tmp_path: Path) -> None:
    log, path = told(tmp_path)
    Logger(namespace="director.l7", observer=log).info("pool {name} is up", name="web")
    log.stop()
    stamp, _, rest = path.read_text().partition(" ")
    assert stamp.endswith("Z")
    assert rest == "info: pool web is up\n"
    assert [(one.level, one.text) for one in log.events] == [("info", "pool web is up")]


def test_others_are_heard_from_warnings_on(tmp_path: Path) -> None:
    log, path = told(tmp_path)
    other = Logger(namespace="twisted.web", observer=log)
    other.info("chatter")
    other.debug("noise")
    other.warn("odd")
    other.error("broken")
    Logger(namespace="director", observer=log).debug("detail")
    log.stop()
    assert [line.partition(" ")[2] for line in path.read_text().splitlines()] == [
        "warning: odd",
        "error: broken",
    ]


def test_further_lines_are_indented_so_that_an_event_stays_one_thing(tmp_path: Path) -> None:
    log, path = told(tmp_path)
    Logger(namespace="director", observer=log).error("first\nsecond")
    log.stop()
    assert path.read_text().endswith("error: first\n    second\n")
    assert log.events[0].text == "first"


def test_a_failure_has_its_traceback(tmp_path: Path) -> None:
    log, path = told(tmp_path)
    try:
        int("a defect")
    except ValueError:
        Logger(namespace="director", observer=log).failure("it failed")
    log.stop()
    assert "it failed\n    Traceback" in path.read_text()
    assert "ValueError: invalid literal" in path.read_text()


def test_json_has_one_object_per_line(tmp_path: Path) -> None:
    log, path = told(tmp_path, "json")
    Logger(namespace="director.l7", observer=log).warn("line one\nline two: {what}", what='"\x1b[31m')
    log.stop()
    (line,) = path.read_text().splitlines()
    found = json.loads(line)
    assert (found["level"], found["from"]) == ("warning", "director.l7")
    assert found["event"] == 'line one\nline two: "\x1b[31m'


def test_only_so_many_are_remembered() -> None:
    log = EventLog()
    ours = Logger(namespace="director", observer=log)
    for number in range(EVENTS_KEPT + 3):
        ours.info("{number}", number=number)
    assert len(log.events) == EVENTS_KEPT
    assert log.events[0].text == "3"


def test_a_rotated_log_is_opened_anew_and_what_is_lost_is_counted(tmp_path: Path) -> None:
    log = EventLog()
    assert not log.reopen()
    assert log.lost == 0
    log, path = told(tmp_path)
    path.rename(tmp_path / "log.1")
    assert log.reopen()
    Logger(namespace="director", observer=log).info("here")
    log.stop()
    assert path.read_text().endswith("info: here\n")
    assert log.lost == 0

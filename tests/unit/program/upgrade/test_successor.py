"""A new program is started with what it is left, and its end is told; with a program of the test's own."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.process import reapAllProcesses

from director.program.upgrade.starting import Starting
from director.program.upgrade.successor import VARIABLE, Successor
from tests.support.loops import Loop, loop_of

WRONG = f"""
import os, socket, sys
from director.program.processes.bequest import take
left = take(socket.socket(fileno=int(os.environ[{VARIABLE!r}])))
print(os.getcwd(), os.environ.get("WATCHDOG_PID"), list(left), file=sys.stderr)
print("it is wrong", file=sys.stderr)
sys.exit(3)
"""
WAITS = "import time; time.sleep(60)"


def ended(loop: Loop, program: str, folder: Path, left: dict[str, int], end: Any = None) -> str:
    """Why that program ended."""
    found: list[str] = []
    new = Successor(loop.reactor, {}, found.append)
    new.start(Starting((sys.executable, "-c", program), str(folder)), left)
    assert new.pid
    if end is not None:
        new.end(end)

    def waited_for() -> bool:
        # A reactor that runs does it upon SIGCHLD.
        reapAllProcesses()
        return bool(found)

    loop.turn(waited_for, 60)
    loop.turn(lambda: not new.channel.open)
    new.end()
    return found[0]


def test_it_is_left_what_is_open_and_says_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    with loop_of() as loop, (tmp_path / "one").open("w") as one:
        why = ended(loop, WRONG, tmp_path, {"one": one.fileno()})
    assert why == f"it ended with status 3:\n{tmp_path} None ['one', 'stderr']\nit is wrong"


def test_one_that_says_nothing_ended_by_what_ended_it(tmp_path: Path) -> None:
    with loop_of() as loop:
        assert ended(loop, WAITS, tmp_path, {}, signal.SIGKILL) == "it ended by SIGKILL"


def test_more_than_the_system_takes_is_refused_and_nothing_is_started(tmp_path: Path) -> None:
    with loop_of() as loop:
        new = Successor(loop.reactor, {}, lambda _: None)
        with pytest.raises(OSError, match=r"\[Errno 9\]"):
            new.start(Starting((sys.executable, "-c", WAITS), str(tmp_path)), {"gone": 999_999})
        assert new.pid == 0

"""What systemd hears (sd_notify(3))."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from director.program.supervision import Supervision


@pytest.fixture(params=["path", "abstract"])
def supervisor(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """A supervisor that listens, and what it puts into the environment."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@director-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0" + name[1:] if name.startswith("@") else name)
        listening.settimeout(2)
        yield name, listening


def test_it_hears_that_we_are_ready_alive_and_stopping(supervisor: tuple[str, socket.socket]) -> None:
    name, listening = supervisor
    part = Supervision({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())})
    part.ready()
    [(alive, period)] = part.chores()
    assert period == 1.5, "half of what is asked for (sd_watchdog_enabled(3))"
    alive()
    part.stopping()
    assert [listening.recv(99) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"WATCHDOG_USEC": "3000000"},
        {"NOTIFY_SOCKET": "/nowhere"},
        {"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "x"},
        {"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"},
    ],
)
def test_without_a_supervisor_nothing_is_said(environment: dict[str, str]) -> None:
    part = Supervision(environment)
    part.ready()
    assert list(part.chores()) == []


def test_it_hears_who_takes_over_and_nothing_more_of_us(supervisor: tuple[str, socket.socket]) -> None:
    name, listening = supervisor
    part = Supervision({"NOTIFY_SOCKET": name})
    part.succeeded(4711)
    part.stopping()
    assert listening.recv(99) == b"MAINPID=4711"
    listening.setblocking(False)
    with pytest.raises(BlockingIOError):
        listening.recv(99)

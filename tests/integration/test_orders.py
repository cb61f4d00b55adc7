"""Orders by command against the real program: what a kill and a restart leave of them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.conftest import StartDirector, StartOrigin
from tests.integration.texts import web
from tests.support import needs
from tests.support.client import fetch
from tests.support.running import Director

pytestmark = [pytest.mark.integration, needs.director]

GET = b"GET /x HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"


def order(director: Director, *words: str) -> str:
    """What a command of `director` prints; it must succeed."""
    command = [str(Path(sys.executable).with_name("director")), *words, "-c", str(director.file)]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout


def states(director: Director) -> dict[str, tuple[str, int]]:
    servers = json.loads(order(director, "show", "servers", "--json"))
    return {one["name"]: (one["state"], one["weight"]) for one in servers}


def test_a_drain_holds_after_kill_and_start_until_it_is_taken_back(
    start: StartDirector, start_origin: StartOrigin
) -> None:
    a, b = (start_origin(name) for name in "ab")
    director = start(web({"a": a.address, "b": b.address}))
    order(director, "drain", "web/a")
    order(director, "weight", "web/b", "7")
    director.signal(signal.SIGKILL)
    assert director.process is not None
    director.process.wait(5)
    before = len(a.seen)
    director.start()
    assert states(director) == {"a": ("drain", 1), "b": ("ready", 7)}
    assert all(fetch(director.place, GET).status == 200 for _ in range(6))
    assert len(a.seen) == before
    exported = order(director, "config", "export")
    assert f"# by command: drain\nserver.a = {a.address}\n" in exported
    assert f"server.b = {b.address} weight=7\n" in exported
    order(director, "ready", "web/a")
    order(director, "weight", "web/b", "1")
    assert director.stop() == 0
    director.start()
    assert states(director) == {"a": ("ready", 1), "b": ("ready", 1)}

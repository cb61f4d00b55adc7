"""Orders by command against the real program: what a kill and a restart leave of them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from director.cli.client import ApiClient
from tests.integration.conftest import StartDirector, StartOrigin
from tests.integration.texts import web
from tests.support import needs
from tests.support.client import fetch
from tests.support.running import Director, wait_until

pytestmark = [pytest.mark.integration, needs.director]

GET = b"GET /x HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"


def command(director: Director, *words: str) -> list[str]:
    """A command line of `director`."""
    return [str(Path(sys.executable).with_name("director")), *words, "-c", str(director.file)]


def order(director: Director, *words: str) -> str:
    """What a command of `director` prints; it must succeed."""
    done = subprocess.run(command(director, *words), capture_output=True, text=True, timeout=20, check=True)
    return done.stdout


def states(director: Director) -> dict[str, tuple[str, int]]:
    servers = json.loads(order(director, "show", "servers", "--json"))
    return {one["name"]: (one["state"], one["weight"]) for one in servers}


@contextmanager
def watching(director: Director, path: Path) -> Iterator[Callable[[str], bool]]:
    """Somebody watches events of the pool; says whether a text was seen, and waits for it."""
    with path.open("w") as out:
        words = ("show", "events", "web/", "--watch", "--json")
        watcher = subprocess.Popen(command(director, *words), stdout=out)
    try:
        yield lambda text: wait_until(lambda: text in path.read_text(), 20)
    finally:
        watcher.kill()
        watcher.wait(10)


def test_a_drain_holds_after_kill_and_start_until_it_is_taken_back(
    start: StartDirector, start_origin: StartOrigin, tmp_path: Path
) -> None:
    a, b = (start_origin(name) for name in "ab")
    director = start(web({"a": a.address, "b": b.address}))
    with watching(director, tmp_path / "watched") as seen:
        order(director, "drain", "web/a")
        order(director, "weight", "web/b", "7")
        assert seen("web/b now weight=7")
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
        assert seen("web/b now weight=1"), "also after a restart"
    assert director.stop() == 0
    director.start()
    assert states(director) == {"a": ("ready", 1), "b": ("ready", 1)}
    numbers = [json.loads(line)["id"] for line in (tmp_path / "watched").read_text().splitlines()]
    assert numbers == sorted(set(numbers)), "each once, in their order"


MADE: tuple[tuple[tuple[str, ...], dict[str, object]], ...] = (
    (("pools",), {"name": "new", "scheduler": "sh port", "queue": "5 for 250ms"}),
    (("pools", "new", "servers"), {"name": "z", "address": "127.0.0.1:9", "weight": 3}),
    (("pools", "new", "servers"), {"name": "a", "address": "127.0.0.1:11", "backup": True}),
    (("rules",), {"name": "10 new", "service": "www", "when": 'not (cookie a = "b c")', "pool": "new"}),
    (("rules",), {"name": "5 old", "service": "www", "when": "path = /old", "redirect": "302 /new"}),
    (("services",), {"name": "l7:later", "listen": "127.0.0.1:0", "pool": "new", "start": False}),
)


def configured(director: Director) -> dict[str, object]:
    """What there is, less what was counted."""
    pools = director.api("pools")
    return {
        "pools": [(one["name"], one["scheduler"], one["queue"]) for one in pools],
        "servers": [
            (one["pool"], one["name"], one["address"], one["weight"], one["backup"])
            for pool in pools
            for one in pool["servers"]
        ],
        "rules": [(one["name"], one["when"], one["action"]) for one in director.api("rules")],
        "services": [(one["key"], one["pool"], one["listen"]) for one in director.api("services")],
    }


def test_the_exported_file_is_clean_and_makes_what_ran(
    start: StartDirector, start_origin: StartOrigin
) -> None:
    text = web({name: start_origin(name).address for name in "ab"})
    director = start(text.replace("[director]\n", "[director]\nworkers = 0\n"))
    client = ApiClient(director.state / "control.sock")
    for place, keys in MADE:
        client.post(*place, order=keys)
    client.patch("pools", "web", "servers", "a", order={"weight": 9})
    client.delete("pools", "web", "servers", "b", query="force=1")
    before = configured(director)
    exported = client.text("config")
    check = [str(Path(sys.executable).with_name("director")), "check", "-"]
    checked = subprocess.run(check, input=exported, capture_output=True, text=True, timeout=20, check=False)
    assert (checked.returncode, checked.stderr) == (0, ""), checked.stdout
    assert director.stop() == 0
    (director.state / "orders.json").unlink()
    director.file.write_text(exported)
    director.start()
    assert configured(director) == before
    assert fetch(director.place, GET.replace(b"/x", b"/old")).status == 302

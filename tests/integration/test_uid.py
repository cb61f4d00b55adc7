"""`twistd --uid`: begun as root, at work as somebody else, from the first start on."""

from __future__ import annotations

import os
import pwd
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.test_orders import order, states
from tests.integration.texts import web
from tests.support import needs
from tests.support.client import fetch
from tests.support.origin import Origin
from tests.support.running import WORKERS, Director, wait_until

pytestmark = [
    pytest.mark.integration,
    needs.director,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]

GET = b"GET /x HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that others may enter: those of pytest are root's alone."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


def owner(director: Director) -> int:
    """Who the process is, by its effective user."""
    return Path(f"/proc/{director.pid}").stat().st_uid


def test_it_gives_up_its_rights_and_goes_on(
    folder: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first start makes state_dir, token and socket; a reload, an order and a next start work, too.

    Where that user may not run this Python, all runs in one process.
    """
    monkeypatch.delenv(WORKERS, raising=False)
    nobody = pwd.getpwnam("nobody").pw_uid
    text = web({"a": origin.address})
    director = Director(text, folder)
    director.arguments.insert(1, "--uid=nobody")
    with director:
        assert owner(director) == nobody
        assert director.state.stat().st_uid == nobody
        assert (director.state / "admin.token").stat().st_uid == nobody
        assert fetch(director.place, GET).status == 200
        director.write(text + "\n[pool:more]\nserver.b = 127.0.0.1:1\n")
        director.reload()
        assert wait_until(lambda: "reloaded: generation 2 by SIGHUP" in director.log), director.log
        order(director, "weight", "web/a", "5")
        assert director.stop() == 0
        director.start()
        assert owner(director) == nobody
        assert states(director)["a"] == ("ready", 5)
    assert "Traceback" not in director.log

"""Passive checks of a running director: who answers badly is put out, in one process and over two workers."""

from __future__ import annotations

import pytest

from tests.integration.conftest import StartDirector
from tests.integration.texts import web
from tests.support import needs
from tests.support.client import fetch
from tests.support.origin import Origin, Send, response
from tests.support.running import Director, wait_until

pytestmark = [pytest.mark.integration, needs.director]

GET = b"GET /x HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"
EJECT = "eject = 5xx, connect; after 4; for 2s; max 50%"


def status(director: Director) -> int:
    return fetch(director.place, GET).status


def failing(director: Director, server: str) -> list[str]:
    found = director.api("pools", "web", "servers", server)
    return list(found["failing"])


@pytest.mark.parametrize("workers", [0, 2])
def test_who_answers_badly_is_put_out_and_comes_back(start: StartDirector, workers: int) -> None:
    with Origin() as good, Origin() as bad:
        bad.answer = lambda _: [Send(response(500, b"no"))]
        text = web({"good": good.address, "bad": bad.address}, EJECT)
        director = start(text.replace("[director]\n", f"[director]\nworkers = {workers}\n", 1))
        assert wait_until(lambda: status(director) and "eject:web" in failing(director, "bad"), 20)
        assert wait_until(lambda: [status(director) for _ in range(10)] == [200] * 10, 5)
        assert "is ejected for 2s: 4 failures in a row: 4 5xx" in director.log
        bad.answer = bad.usual
        assert wait_until(lambda: failing(director, "bad") == [], 10)
        assert "pool web server bad is taken in again" in director.log

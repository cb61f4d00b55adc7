"""Servers known by a name: addresses that are dead or silent, and a name that moves.

The program gets a hosts file of its own, in a mount namespace of its own.
"""

from __future__ import annotations

import shlex
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.integration.texts import web
from tests.support import needs
from tests.support.client import RawClient, fetch
from tests.support.origin import Origin, Send, response
from tests.support.running import Director, wait_until

pytestmark = [pytest.mark.integration, needs.director, needs.root]

GET = b"GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n"
POST = b"POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\n\r\nabc"
DEAD = "127.99.0.9"
OTHER = "127.99.0.8"


class Hosts:
    """A director that finds `web.test` where the test says."""

    def __init__(self, directory: Path, port: int, lines: str, *addresses: str) -> None:
        self.file = directory / "hosts"
        self.set(*addresses)
        self.director = Director(web({"a": f"web.test:{port}"}, lines), directory)
        command = shlex.join(self.director.arguments)
        mount = f"mount --bind {shlex.quote(str(self.file))} /etc/hosts && exec {command}"
        self.director.arguments = ["unshare", "-m", "sh", "-c", mount]

    def set(self, *addresses: str) -> None:
        """The addresses of the name from now on."""
        names = "".join(f"{one} web.test\n" for one in addresses)
        self.file.write_text(f"127.0.0.1 localhost\n{names}", encoding="ascii")


@contextmanager
def running(*arguments: object) -> Iterator[Hosts]:
    made = Hosts(*arguments)  # type: ignore[arg-type]
    with made.director:
        yield made


def test_an_address_that_refuses_costs_no_request(tmp_path: Path, origin: Origin) -> None:
    with running(tmp_path, origin.port, "idle_connections = 0\n", DEAD, "127.0.0.1") as hosts:
        assert [fetch(hosts.director.place, POST).status for _ in range(10)] == [200] * 10
    assert len(origin.log) == 10


def test_an_address_that_is_silent_costs_no_request(tmp_path: Path, origin: Origin) -> None:
    with ExitStack() as stack:
        # A full backlog drops what comes (listen(2)).
        silent = stack.enter_context(socket.create_server((DEAD, origin.port), backlog=0))
        for _ in range(2):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(silent.getsockname())
        hosts = stack.enter_context(
            running(tmp_path, origin.port, "idle_connections = 0\ntimeout.connect = 1s\n", DEAD, "127.0.0.1")
        )
        assert [fetch(hosts.director.place, POST).status for _ in range(10)] == [200] * 10
    assert len(origin.log) == 10


def test_busy_connections_follow_a_name_that_moves(tmp_path: Path, origin: Origin) -> None:
    moved = response(200, b"moved", (b"X-Origin", b"moved"))
    with (
        Origin(lambda _: [Send(moved)], host=OTHER, port=origin.port) as other,
        running(tmp_path, origin.port, "", "127.0.0.1") as hosts,
        RawClient(hosts.director.place) as client,
    ):
        client.ask(GET)
        assert client.wait(1)
        hosts.set(OTHER)

        def has_moved() -> bool:
            client.ask(GET)
            client.wait(len(client.answers) + 1)
            return client.answers[-1].value(b"x-origin") == b"moved"

        assert wait_until(has_moved, 12.0)
        before = len(origin.log)
        for _ in range(5):
            assert has_moved()
        assert len(origin.log) == before
        assert set(client.statuses) == {200}
        assert other.log

"""`on_down` at layer 7: what runs on a server that is put into maintenance goes on, or is cut at once."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from collections.abc import Iterator

import pytest

from director.cli.client import UnixConnection
from tests.integration.conftest import StartDirector
from tests.integration.texts import web
from tests.support import needs

pytestmark = [pytest.mark.integration, needs.director]


class Echo(socketserver.BaseRequestHandler):
    """Sends back what it gets."""

    def handle(self) -> None:
        while data := self.request.recv(99):
            self.request.sendall(data)


@pytest.fixture
def echo() -> Iterator[str]:
    """Where a server that echoes listens."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize("on_down", ["keep", "close"])
def test_a_relayed_connection(start: StartDirector, echo: str, on_down: str) -> None:
    text = web({"s": echo}, f"on_down = {on_down}", "protocol = tcp")
    director = start(text)
    with socket.create_connection(director.place, 5) as client:
        client.sendall(b"one")
        assert client.recv(9) == b"one"
        connection = UnixConnection(director.state / "control.sock")
        order = json.dumps({"state": "maint"})
        connection.request(
            "PATCH", "/api/v1/pools/web/servers/s", order, {"Content-Type": "application/json"}
        )
        assert connection.getresponse().status == 200
        connection.close()
        if on_down == "keep":
            client.sendall(b"two")
            assert client.recv(9) == b"two"
            return
        try:
            left = client.recv(9)
        except ConnectionResetError:
            left = b""
        assert left == b""

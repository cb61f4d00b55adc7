"""HTTP/2 to servers: calls as gRPC makes them, through a client and servers of the library h2, and curl."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from h2 import events as h2events
from h2.config import H2Configuration
from h2.connection import H2Connection

from tests.integration.conftest import StartDirector
from tests.integration.texts import BASE, pool, service
from tests.support import needs
from tests.support.certificates import make
from tests.support.h2_origin import H2Origin
from tests.support.running import Director, wait_until

pytestmark = [pytest.mark.integration, needs.director]

CALL = [(":method", "POST"), (":scheme", "http"), (":authority", "h")]
UPLOAD = 3_000_000
RETRY = "retry = connect; tries 8\ntimeout.connect = 20s\ntimeout.response = 20s"
"""Nobody is given up because the machine is busy."""


class Calls:
    """A client of HTTP/2 by the library h2; `answers` by stream: status, body, trailers."""

    def __init__(self, director: Director) -> None:
        self.socket = socket.create_connection(director.place, 20)
        self.h2 = H2Connection(H2Configuration(header_encoding=None))
        self.h2.initiate_connection()
        self.answers: dict[int, list[Any]] = {}
        self.ended: set[int] = set()

    def begin(self, path: str, body: bytes, *, end: bool = True) -> int:
        number = self.h2.get_next_available_stream_id()
        self.h2.send_headers(number, [*CALL, (":path", path), ("te", "trailers")])
        self.h2.send_data(number, body, end_stream=end)
        return number

    def more(self, number: int, body: bytes) -> None:
        self.h2.send_data(number, body)
        self.flush()

    def flush(self) -> None:
        self.socket.sendall(self.h2.data_to_send())

    def until(self, condition: Any) -> None:
        self.flush()
        while not condition():
            data = self.socket.recv(65536)
            assert data, "the director closed"
            for event in self.h2.receive_data(data):
                self.take(event)
            self.flush()

    def take(self, event: Any) -> None:
        number = getattr(event, "stream_id", 0)
        if isinstance(event, h2events.ResponseReceived):
            self.answers[number] = [dict(event.headers)[b":status"], b"", {}]
        elif isinstance(event, h2events.DataReceived):
            self.answers[number][1] += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, number)
        elif isinstance(event, h2events.TrailersReceived):
            self.answers[number][2] = dict(event.headers)
        elif isinstance(event, h2events.StreamEnded | h2events.StreamReset):
            self.ended.add(number)


@contextlib.contextmanager
def calls(director: Director) -> Iterator[Calls]:
    made = Calls(director)
    with made.socket:
        yield made


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[H2Origin]:
    """A server inside TLS that chooses h2; the director's pool knows who signed it."""
    leaf = make("inside.example", authority=True)
    (tmp_path / "ca.pem").write_bytes(leaf.chain)
    (tmp_path / "key.pem").write_bytes(leaf.key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "ca.pem", tmp_path / "key.pem")
    context.set_alpn_protocols(["h2"])
    with H2Origin(context) as origin:
        yield origin


def test_calls_pass_with_bodies_trailers_and_leaving_servers(
    start: StartDirector, inside: H2Origin, tmp_path: Path
) -> None:
    tls = f"protocol = h2\ntls = on\ntls.name = inside.example\ntls.ca = {tmp_path}/ca.pem\n{RETRY}"
    with H2Origin(MAX_CONCURRENT_STREAMS=10) as clear:
        director = start(
            BASE
            + pool("web", {"a": clear.address}, f"protocol = h2\n{RETRY}")
            + pool("inside", {"b": inside.address}, tls)
            + service("h2c = prior")
            + "\n[rule:10 in]\nservice = www\nwhen = path ^= /in/\npool = inside\n"
        )
        with calls(director) as client:
            _many_with_trailers(client, clear)
            _one_that_streams(client, clear)
        _uploads(director, tmp_path)
        with calls(director) as client:
            clear.goodbye_each, inside.refuse = 17, 5
            numbers = [client.begin(path, b"x" * 100) for _ in range(50) for path in ("/echo", "/in/echo")]
            client.until(lambda: len(client.ended) == len(numbers))
            assert {client.answers[one][0] for one in numbers} == {b"200"}
        assert inside.connections <= (os.cpu_count() or 1)  # each process that serves has its own


def _many_with_trailers(client: Calls, origin: H2Origin) -> None:
    """More at a time than the server allows on one connection; each ends as gRPC does."""
    bodies = {client.begin("/echo", b"%d" % number * 50): b"%d" % number * 50 for number in range(60)}
    client.until(lambda: len(client.ended) == 60)
    for number, body in bodies.items():
        status, echoed, trailers = client.answers[number]
        assert (status, echoed, trailers[b"grpc-status"]) == (b"200", body, b"0")
        assert trailers[b"x-sha256"] == hashlib.sha256(body).hexdigest().encode()
    assert origin.connections <= 8
    assert {one.fields[b"te"] for one in origin.asked} == {b"trailers"}


def _one_that_streams(client: Calls, origin: H2Origin) -> None:
    """What is sent reaches the server before the call is over."""
    seen = len(origin.asked)
    number = client.begin("/echo", b"one", end=False)
    client.flush()
    assert wait_until(lambda: len(origin.asked) > seen and origin.asked[-1].body == b"one", 10)
    client.more(number, b"two")
    assert wait_until(lambda: origin.asked[-1].body == b"onetwo", 10)
    client.h2.send_headers(number, [("x-end", "yes")], end_stream=True)
    client.until(lambda: number in client.ended)
    assert client.answers[number][1] == b"onetwo"
    assert origin.asked[-1].trailers == {b"x-end": b"yes"}


def _uploads(director: Director, folder: Path) -> None:
    """Octets are the same both ways, in clear and in TLS, for clients of HTTP/1 and HTTP/2."""
    data = folder / "data"
    data.write_bytes(hashlib.shake_128(b"seed").digest(UPLOAD))
    for path in ("/echo", "/in/echo"):
        for version in ("--http1.1", "--http2-prior-knowledge"):
            done = subprocess.run(
                [
                    "curl",
                    "-sS",
                    "-m",
                    "20",
                    version,
                    "-T",
                    str(data),
                    f"http://127.0.0.1:{director.port}{path}",
                ],
                check=True,
                capture_output=True,
            )
            assert done.stdout == data.read_bytes()


def test_a_server_of_http_1_is_no_server_of_http_2(start: StartDirector) -> None:
    """An answer of HTTP/1 is none: 502."""
    with socket.create_server(("127.0.0.1", 0)) as old:
        servers = {"a": f"127.0.0.1:{old.getsockname()[1]}"}
        director = start(BASE + pool("web", servers, "protocol = h2\nretry = off") + service())
        with socket.create_connection(director.place, 10) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            server, _ = old.accept()
            with server:
                server.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
                assert client.recv(65536).startswith(b"HTTP/1.1 502 ")
        assert wait_until(lambda: " 502 " in director.log, 10)

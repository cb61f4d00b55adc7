"""Ends that stop: memory stays bounded and others are served, in clear, in TLS and in HTTP/2."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection

from tests.integration.texts import BASE, pool
from tests.support import needs
from tests.support.certificates import make
from tests.support.running import Director, Place, free_port, settled, wait_until

pytestmark = [pytest.mark.integration, needs.director]

MB = 1 << 20
STALLED = 8
"""Of each kind: with answers of 64 MB each, or bodies that never end."""
ROOM = STALLED * 2 * MB
"""What they hold in the process: queues and one large read of each; in HTTP/2 of four streams each."""
BODY = 64 * MB
WINDOW = (1 << 31) - 1
BLOCK = bytes(65536)


class Origin:
    """A server that sends 64 MB for `/large`, reads nothing behind the head of a POST, and else says ok."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=500)
        self.port = self.listening.getsockname()[1]
        self.held: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listening.accept()
                self.held.append(sock)
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            head = b""
            while data := sock.recv(4096):
                head += data
                if b"\r\n\r\n" not in head:
                    continue
                if head.startswith(b"POST"):
                    return
                large = head.startswith(b"GET /large")
                head = b""
                sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (BODY if large else 2))
                for _ in range(BODY // len(BLOCK) if large else 0):
                    sock.sendall(BLOCK)
                if not large:
                    sock.sendall(b"ok")

    def close(self) -> None:
        self.listening.close()
        for sock in self.held:
            sock.close()


class Field:
    """The director in one process, so that its memory is one figure."""

    def __init__(self, folder: Path, origin: Origin) -> None:
        chain, key = make("localhost", "127.0.0.1").write(folder, "shop")
        self.secure = ("127.0.0.1", free_port())
        # Whoever is left at the end is not waited for.
        text = BASE.replace("grace = 5s", "grace = 100ms") + pool(
            "web", {"s": f"127.0.0.1:{origin.port}"}, "timeout.idle = 60s"
        )
        text += f"\n[cert:shop]\nfile = {chain}\nkey = {key}\n"
        for name, place, lines in (
            ("clear", "127.0.0.1:{listen}", "h2c = prior"),
            ("secure", "{}:{}".format(*self.secure), "tls = shop"),
        ):
            text += f"\n[l7:{name}]\nlisten = {place}\npool = web\ntimeout.client = 60s\n{lines}\n"
        self.director = Director(text, folder, workers="0")
        self.clear: Place = self.director.place


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    origin = Origin()
    made = Field(tmp_path_factory.mktemp("stalling"), origin)
    with made.director:
        for dial in (in_clear, in_tls, in_h2):
            for large in (True, False):
                # What the first of each kind costs in memory is no leak.
                with dial(made, large=large):
                    pass
        yield made
    origin.close()


def connected(place: Place) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    sock.settimeout(10)
    sock.connect(place)
    return sock


def requested(sock: socket.socket, *, large: bool) -> socket.socket:
    """Ask for what is not read then, or begin what nobody reads."""
    if large:
        sock.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
    else:
        sock.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % BODY)
        stuffed(sock, BLOCK)
    return sock


def stuffed(sock: socket.socket, octets: bytes) -> None:
    """Send until nothing more is taken."""
    sock.settimeout(0.2)
    with contextlib.suppress(TimeoutError, ssl.SSLWantWriteError, BlockingIOError):
        for _ in range(BODY // len(octets)):
            sock.sendall(octets)


def in_clear(field: Field, *, large: bool) -> socket.socket:
    return requested(connected(field.clear), large=large)


def wrapped(field: Field, *protocols: str) -> socket.socket:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(protocols)
    return context.wrap_socket(connected(field.secure))


def in_tls(field: Field, *, large: bool) -> socket.socket:
    return requested(wrapped(field, "http/1.1"), large=large)


def in_h2(field: Field, *, large: bool) -> socket.socket:
    """The windows are as wide as they can be, so that only the socket holds the director back."""
    sock = wrapped(field, "h2")
    peer = H2Connection(H2Configuration(header_encoding=None))
    peer.local_settings.initial_window_size = WINDOW
    peer.initiate_connection()
    peer.increment_flow_control_window(WINDOW - 65535)
    method, path = ("GET", "/large") if large else ("POST", "/")
    fields = [(":method", method), (":scheme", "https"), (":authority", "a"), (":path", path)]
    for number in (1, 3, 5, 7):
        peer.send_headers(number, fields, end_stream=large)
    sock.sendall(peer.data_to_send())
    if not large:
        # As much as the windows of all streams, and of the connection, allow.
        for number in (1, 3, 5, 7):
            while (room := min(peer.local_flow_control_window(number), 16384)) > 0:
                peer.send_data(number, bytes(room))
        stuffed(sock, peer.data_to_send())
    return sock


Dial = Callable[..., socket.socket]


def answers(field: Field) -> float:
    """How long another client waits, with a connection of its own."""
    began = time.monotonic()
    with connected(field.clear) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert sock.recv(4096).startswith(b"HTTP/1.1 200")
    return time.monotonic() - began


@pytest.mark.parametrize("dial", [in_clear, in_tls, in_h2])
@pytest.mark.parametrize("large", [True, False], ids=["clients", "servers"])
def test_who_stops_reading_holds_little(field: Field, dial: Dial, *, large: bool) -> None:
    before = field.director.resident
    with contextlib.ExitStack() as stack:
        for _ in range(STALLED):
            stack.enter_context(dial(field, large=large))
        assert settled(lambda: field.director.resident // MB, 0.5)
        assert answers(field) < 2
        assert field.director.resident - before < ROOM


def test_handshakes_that_stall_or_flood_slow_nobody(field: Field) -> None:
    """Greetings that are never whole, junk, and more handshakes than can be done."""
    place = "{}:{}".format(*field.secure)
    flood = ["openssl", "s_time", "-connect", place, "-new", "-time", "3"]
    with contextlib.ExitStack() as stack:
        for number in range(200):
            sock = stack.enter_context(connected(field.secure))
            sock.sendall(b"\x16\x03\x01\x02\x00\x01" if number % 2 else b"junk")
        floods = [
            stack.enter_context(subprocess.Popen(flood, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT))
            for _ in range(3)
        ]
        waited = []
        while any(one.poll() is None for one in floods):
            waited.append(answers(field))
    waited.sort()
    assert len(waited) > 5
    assert waited[len(waited) // 2] < 0.5
    assert waited[-1] < 3
    assert wait_until(lambda: answers(field) < 1)

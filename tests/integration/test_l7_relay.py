"""Large bodies and tunnels, which the kernel moves: whole under slow ends, cut where an end is abrupt."""

from __future__ import annotations

import contextlib
import hashlib
import random
import re
import socket
import struct
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration.texts import BASE, pool, service
from tests.support import needs
from tests.support.running import Director, Place, free_port, wait_until

pytestmark = [pytest.mark.integration, needs.director]

MB = 1 << 20
SIZE = 32 * MB
DATA = random.Random(10).randbytes(SIZE)
DIGEST = hashlib.sha256(DATA).hexdigest()
STALLED = 40
"""Clients that do not read: more than there are pipes in a process."""
UPGRADE = b"GET /tunnel HTTP/1.1\r\nHost: a.example\r\nConnection: upgrade\r\nUpgrade: raw\r\n\r\n"


class Far:
    """A server that sends `DATA`, takes what comes, or breaks off, as the first line says."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.address = f"127.0.0.1:{self.listening.getsockname()[1]}"
        self.slow = False
        self.got = ""
        self.ends: list[str] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listening.accept()
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with sock:
            try:
                head = b""
                while b"\n" not in head or (b"HTTP" in head and b"\r\n\r\n" not in head):
                    data = sock.recv(65536)
                    if not data:
                        return
                    head += data
                self._answer(sock, head)
            except ConnectionError:
                self.ends.append("reset")

    def _answer(self, sock: socket.socket, head: bytes) -> None:
        what = head.split()[0]
        if what == b"GET":
            path = head.split()[1]
            if path == b"/tunnel":
                sock.sendall(b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: raw\r\n\r\n")
                self._both(sock, b"")
                return
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
            sock.sendall(DATA if path == b"/whole" else DATA[: SIZE // 2])
            if path != b"/whole":
                reset(sock)
        elif what == b"POST":
            self.got = self._take(sock, head.partition(b"\r\n\r\n")[2], SIZE)
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n" + self.got.encode())
        elif what == b"both":
            self._both(sock, head.partition(b"\n")[2])
        else:
            sock.sendall(DATA[: SIZE // 2])
            reset(sock)

    def _both(self, sock: socket.socket, early: bytes) -> None:
        """Send and take at a time; the end of what we send comes when all was taken."""
        taking = threading.Thread(target=self._take_all, args=(sock, early))
        taking.start()
        try:
            sock.sendall(DATA)
        finally:
            taking.join(60)

    def _take_all(self, sock: socket.socket, early: bytes) -> None:
        try:
            self.got = self._take(sock, early, SIZE + 1)
        except ConnectionError:
            self.ends.append("reset")

    def _take(self, sock: socket.socket, early: bytes, size: int) -> str:
        """The digest of so many octets, or of all up to the end."""
        digest, left = hashlib.sha256(early), size - len(early)
        buffer = bytearray(MB)
        while left > 0 and (count := sock.recv_into(buffer)):
            digest.update(memoryview(buffer)[:count])
            left -= count
            if self.slow and left % 7 == 0:
                time.sleep(0.002)
        return digest.hexdigest()


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@pytest.fixture(scope="module")
def far() -> Iterator[Far]:
    made = Far()
    yield made
    made.listening.close()


class Near:
    """The director, with an HTTP service and one that relays."""

    def __init__(self, far: Far, folder: Path) -> None:
        port = free_port()
        more = f"[l7:raw]\nlisten = 127.0.0.1:{port}\nprotocol = tcp\npool = web\n"
        patience = "timeout.response = 60s\ntimeout.idle = 60s"
        text = BASE + pool("web", {"s": far.address}, patience) + service("timeout.client = 60s")
        self.director = Director(text + more, folder)
        self.http: Place = self.director.place
        self.raw: Place = ("127.0.0.1", port)

    def octets(self, path: str) -> float:
        """What went that way up to now."""
        url = f"http://127.0.0.1:{self.director.admin}/metrics"
        with urllib.request.urlopen(url, timeout=20) as answer:
            text = answer.read().decode()
        found = re.search(rf'director_relay_bytes_total{{path="{path}"}} (\S+)', text)
        assert found, text
        return float(found[1])


@pytest.fixture(scope="module")
def near(far: Far, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Near]:
    made = Near(far, tmp_path_factory.mktemp("relay"))
    with made.director:
        yield made


def taken(sock: socket.socket, size: int, *, slowly: bool = False) -> str:
    """The digest of so many octets, or of all up to the end."""
    digest, left, calls = hashlib.sha256(), size, 0
    buffer = bytearray(MB)
    while left and (count := sock.recv_into(buffer, min(left, MB))):
        digest.update(memoryview(buffer)[:count])
        left -= count
        calls += 1
        if slowly and calls % 8 == 0:
            time.sleep(0.005)
    return digest.hexdigest()


def called(place: Place, first: bytes) -> socket.socket:
    sock = socket.create_connection(place, 60)
    sock.sendall(first)
    return sock


def head_of(sock: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        octet = sock.recv(1)
        assert octet, head
        head += octet
    return head


def test_bodies_are_whole_whoever_is_slow(near: Near, far: Far) -> None:
    """Downloads and uploads, one after the other on a connection; then the count of the ways they went."""
    before = {path: near.octets(path) for path in ("splice", "copy", "tls")}
    with called(near.http, b"") as client:
        for slowly in (False, True):
            client.sendall(b"GET /whole HTTP/1.1\r\nHost: a.example\r\n\r\n")
            assert b" 200 " in head_of(client)
            assert taken(client, SIZE, slowly=slowly) == DIGEST
            far.slow = slowly
            client.sendall(b"POST /up HTTP/1.1\r\nHost: a.example\r\nContent-Length: %d\r\n\r\n" % SIZE)
            client.sendall(DATA)
            assert b" 200 " in head_of(client)
            assert client.recv(64, socket.MSG_WAITALL).decode() == far.got == DIGEST
    ways = {path: near.octets(path) - before[path] for path in before}
    assert ways["splice"] > 10 * MB
    assert ways["tls"] == 0
    assert 4 * SIZE < sum(ways.values()) < 4 * SIZE + MB


@pytest.mark.parametrize("how", ["raw", "upgrade"])
def test_both_ways_of_a_tunnel_are_whole_and_end_one_by_one(near: Near, far: Far, how: str) -> None:
    far.slow = True
    first = UPGRADE if how == "upgrade" else b"both\n"
    with called(near.http if how == "upgrade" else near.raw, first) as client:
        if how == "upgrade":
            assert b" 101 " in head_of(client)

        def send() -> None:
            client.sendall(DATA)
            client.shutdown(socket.SHUT_WR)

        sending = threading.Thread(target=send)
        sending.start()
        assert taken(client, SIZE + 1, slowly=True) == DIGEST
        sending.join(60)
    assert wait_until(lambda: far.got == DIGEST, 30)
    assert near.octets("splice") > MB


def test_abrupt_ends_are_no_ends(near: Near, far: Far) -> None:
    """A reset of one side of a tunnel reaches the other; a body that is not whole does not look it."""
    far.slow = False
    with called(near.raw, b"half\n") as client, pytest.raises(ConnectionResetError):
        taken(client, SIZE)
    with called(near.http, b"GET /half HTTP/1.1\r\nHost: a.example\r\n\r\n") as client:
        assert b"Content-Length: %d\r\n" % SIZE in head_of(client)
        assert taken(client, SIZE) not in (DIGEST, "")
    for place, first in ((near.raw, b"both\n"), (near.http, UPGRADE)):
        far.ends.clear()
        client = called(place, first)
        client.recv(8 * MB, socket.MSG_WAITALL)
        reset(client)
        assert wait_until(lambda: "reset" in far.ends, 20), far.ends


def test_clients_who_do_not_read_hold_up_nobody_and_little(near: Near) -> None:
    with called(near.raw, b"both\n") as client:
        taken(client, SIZE)
    before = near.director.resident
    with ExitStack() as stack:
        for _ in range(STALLED):
            sock = stack.enter_context(socket.socket())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 262144)
            sock.connect(near.raw)
            sock.sendall(b"both\n")
        for place, first in ((near.raw, b"both\n"), (near.http, b"GET /whole HTTP/1.1\r\nHost: a\r\n\r\n")):
            with called(place, first) as client:
                if place == near.http:
                    head_of(client)
                assert taken(client, SIZE) == DIGEST
        assert near.director.resident - before < STALLED * MB

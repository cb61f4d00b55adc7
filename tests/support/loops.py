"""Real reactors that a test turns by hand: nothing is installed, nothing runs in the background."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.epollreactor import EPollReactor

from director.l7.io.reactor import LeanReactor
from director.l7.io.stream import Stream

KINDS: list[type[EPollReactor]] = [EPollReactor, LeanReactor]


class Loop:
    """One reactor; `turn` lets it work until something holds."""

    def __init__(self, kind: type[EPollReactor] = LeanReactor) -> None:
        self.reactor: Any = kind()

    def turn(self, until: Callable[[], object], seconds: float = 5.0) -> None:
        """Turn until `until()` holds; AssertionError when it does not in time."""
        deadline = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < deadline, "it did not happen"
            self.once()

    def once(self, rest: float = 0.01) -> None:
        """One turn: what is due, and what the sockets say."""
        self.reactor.runUntilCurrent()
        self.reactor.doIteration(rest)

    def quiet(self, turns: int = 5) -> None:
        """A few turns in which nothing should happen."""
        for _ in range(turns):
            self.once(0.002)

    def close(self) -> None:
        """Give back what the reactor holds itself."""
        for call in self.reactor.getDelayedCalls():
            call.cancel()
        for reader in self.reactor.removeAll():
            with contextlib.suppress(Exception):
                reader.connectionLost(None)
        for reader in list(self.reactor._internalReaders):
            for name in ("i", "o", "fd"):
                held = getattr(reader, name, None)
                if isinstance(held, socket.socket):
                    held.close()
                elif isinstance(held, int):
                    with contextlib.suppress(OSError):
                        os.close(held)
        self.reactor._poller.close()


def fetched(loop: Loop, port: int) -> bytes:
    """What a client of that port of 127.0.0.1 gets for a GET, until its connection ends."""
    with socket.create_connection(("127.0.0.1", port), 2) as client:
        client.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        client.setblocking(False)
        got = bytearray()

        def ended() -> bool:
            try:
                piece = client.recv(65536)
            except BlockingIOError:
                return False
            got.extend(piece)
            return not piece

        loop.turn(ended)
    return bytes(got)


@contextlib.contextmanager
def loop_of(kind: type[EPollReactor] = LeanReactor) -> Iterator[Loop]:
    """A loop that is cleaned up."""
    loop = Loop(kind)
    try:
        yield loop
    finally:
        loop.close()


def accepted() -> tuple[socket.socket, socket.socket]:
    """Both ends of a TCP connection: one that does not block, and its peer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        peer = socket.create_connection(server.getsockname())
        near, _ = server.accept()
    near.setblocking(False)
    return near, peer


class Owner:
    """Writes down what a stream tells it."""

    def __init__(self) -> None:
        self.data = b""
        self.told: list[str] = []
        self.reads: list[int] = []
        self.appetite = 0
        self.onward: Stream | None = None
        self.moved = 0

    def received(self, data: bytes) -> None:
        self.data += data
        self.reads.append(len(data))

    def wanted(self) -> int:
        return self.appetite

    def connected(self) -> None:
        self.told.append("connected")

    def ended(self) -> None:
        self.told.append("ended")

    def lost(self, reason: str) -> None:
        self.told.append(f"lost {reason}".rstrip())

    def blocked(self) -> None:
        self.told.append("blocked")

    def drained(self) -> None:
        self.told.append("drained")

    def passage(self) -> tuple[Stream | None, int]:
        return self.onward, self.appetite

    def passed(self, size: int) -> None:
        self.told.append(f"passed {size}")
        self.moved += size

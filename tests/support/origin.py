"""A recording origin: a real server that writes down what it got and does as a script says.

In a test: `with Origin(answer) as origin:`, where `answer(message)` returns the steps of the answer.
As a program (to be killed, stopped and restarted): `python -m tests.support.origin --port N --name a
--journal FILE`; it answers with `plain` and obeys the query of the target (see `by_query`).

A thread per connection and blocking sockets: a script that hangs, drips or resets is then a plain list.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs

from attrs import define, field, frozen

from tests.support.strict import MalformedError, Message, Reader

BACKLOG = 4096


@frozen
class Send:
    """Send these bytes as fast as the reader takes them."""

    data: bytes


@frozen
class Repeat:
    """Send `data` `count` times."""

    data: bytes
    count: int


@frozen
class Drip:
    """Send `data` in pieces of `size` bytes, `gap` seconds apart."""

    data: bytes
    size: int = 1
    gap: float = 1.0


@frozen
class Pause:
    """Wait before the next step."""

    seconds: float


@frozen
class Close:
    """Close the connection with a FIN."""


@frozen
class HalfClose:
    """Send a FIN, go on reading."""


@frozen
class Reset:
    """Close the connection with a RST."""


@frozen
class Hang:
    """Do nothing more until the other side goes away or the origin stops."""


@frozen
class Echo:
    """Send back everything that comes, from now on (a tunnel); a FIN is answered with `goodbye` and a FIN."""

    goodbye: bytes = b""


Step = Send | Repeat | Drip | Pause | Close | HalfClose | Reset | Hang | Echo
Answer = Callable[[Message], Sequence[Step]]


@define
class Record:
    """What one connection brought, and how it ended: `open`, `closed`, `reset` or `malformed: …`.

    `messages` are the complete ones; `begun` is set while one is under way or when it was cut.
    """

    raw: bytearray = field(factory=bytearray)
    messages: list[Message] = field(factory=list)
    begun: Message | None = None
    end: str = "open"


def response(status: int = 200, body: bytes = b"", *fields: tuple[bytes, bytes]) -> bytes:
    """A whole answer with Content-Length."""
    lines = [b"HTTP/1.1 %d X" % status, *(b"%s: %s" % pair for pair in fields)]
    if status >= 200 and status not in {204, 304}:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*lines, b"", b""]) + body


def chunked(*chunks: bytes, trailers: bytes = b"") -> bytes:
    """A chunked body; `trailers` are whole field lines."""
    return b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in chunks) + b"0\r\n" + trailers + b"\r\n"


def plain(message: Message, name: bytes = b"origin") -> bytes:
    """The usual answer: who I am, which id I saw, the digest of what I got."""
    fields = [(b"X-Origin", name), (b"X-Seen-Sha256", message.sha256.encode())]
    if message.value(b"x-id"):
        fields.append((b"X-Id", message.value(b"x-id")))
    body = b"%s saw %s %s" % (name, message.method, message.target)
    if message.method == b"HEAD":
        return response(200, body, *fields)[: -len(body)]
    return response(200, body, *fields)


class Origin:
    """A recording server on 127.0.0.1; use as a context manager.

    Attributes:
        answer: from a complete request to steps; may be replaced at any time.
        early: like `answer`, asked when the head is in and the body is not; None = wait for the body.
        continues: answer `100 Continue` to a request that expects it.
        read_rate: bytes per second that are read at most; 0 = as fast as possible.
        records: one per accepted connection.
        log: complete requests of all connections, in order of their completion.
        tunnelled: what came to an `Echo`.
        sent: octets of answers that the system took from us.
    """

    def __init__(self, answer: Answer | None = None, *, port: int = 0, host: str = "127.0.0.1") -> None:
        self.answer: Answer = answer or self.usual
        self.early: Answer | None = None
        self.continues = False
        self.read_rate = 0
        self.records: list[Record] = []
        self.log: list[Message] = []
        self.tunnelled = bytearray()
        self.sent = 0
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._sockets: set[socket.socket] = set()
        self._listener = socket.create_server((host, port), backlog=BACKLOG)
        self.host, self.port = self._listener.getsockname()[:2]

    @staticmethod
    def usual(message: Message) -> Sequence[Step]:
        """Answer `plain`."""
        return [Send(plain(message))]

    @property
    def address(self) -> str:
        """`127.0.0.1:PORT`, as an ini wants it."""
        return f"{self.host}:{self.port}"

    @property
    def cut(self) -> list[Message]:
        """Requests that began and never came to their end."""
        with self._lock:
            return [record.begun for record in self.records if record.begun is not None]

    def forget(self) -> None:
        """Drop the records of connections that are over; keep open ones, without their past."""
        with self._lock:
            self.records = [record for record in self.records if record.end == "open"]
            self.log = []
            for record in self.records:
                record.messages, record.raw = [], bytearray()

    def __enter__(self) -> Self:
        thread = threading.Thread(target=self._accept, daemon=True)
        thread.start()
        self._threads.append(thread)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop listening and end every connection."""
        self.stopping.set()
        _shut(self._listener)
        with self._lock:
            sockets = list(self._sockets)
        for each in sockets:
            _shut(each)
        for thread in self._threads:
            thread.join(5)

    def drop_connections(self) -> None:
        """Close every open connection from our side, as a server does whose keep-alive time is over."""
        with self._lock:
            sockets = list(self._sockets)
        for each in sockets:
            _shut(each)

    def _accept(self) -> None:
        with self._listener:
            while not self.stopping.is_set():
                try:
                    client, _ = self._listener.accept()
                except OSError:
                    return
                self._start(client)

    def _start(self, client: socket.socket) -> None:
        record = Record()
        with self._lock:
            self.records.append(record)
            self._sockets.add(client)
            self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=self._serve, args=(client, record), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self, client: socket.socket, record: Record) -> None:
        with client:
            try:
                self._talk(client, record)
            except MalformedError as error:
                record.end = f"malformed: {error}"
            except OSError:
                record.end = "reset"
            if record.end == "open":
                record.end = "closed"
        with self._lock:
            self._sockets.discard(client)

    def _talk(self, client: socket.socket, record: Record) -> None:
        reader = Reader()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.read_rate:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        answered_early = False
        while True:
            data = client.recv(65536 if not self.read_rate else 4096)
            if not data:
                return
            if self.read_rate:
                self.stopping.wait(len(data) / self.read_rate)
            with self._lock:
                record.raw += data[: max(0, (1 << 20) - len(record.raw))]
                done = reader.feed(data)
                record.begun = reader.current
                record.messages += done
                self.log += done
            if self.early and reader.current and reader.current.framing != "none" and not answered_early:
                answered_early = True
                if not self._perform(client, self.early(reader.current)):
                    return
            elif self.continues and reader.current and reader.current.value(b"expect"):
                client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            for message in done:
                if not answered_early and not self._perform(client, self.answer(message)):
                    return
                answered_early = False

    def _perform(self, client: socket.socket, steps: Sequence[Step]) -> bool:
        """Do the steps; False when the connection is over."""
        return all(self._do(client, step) for step in steps)

    def _do(self, client: socket.socket, step: Step) -> bool:
        match step:
            case Send(data):
                self._send(client, data)
            case Repeat(data, count):
                for _ in range(count):
                    self._send(client, data)
            case Drip(data, size, gap):
                return self._drip(client, data, size, gap)
            case Pause(seconds):
                return not self.stopping.wait(seconds)
            case HalfClose():
                client.shutdown(socket.SHUT_WR)
            case Echo(goodbye):
                while data := client.recv(65536):
                    self.tunnelled += data
                    client.sendall(data)
                client.sendall(goodbye)
                return False
            case _:
                _end(client, step)
                return False
        return True

    def _send(self, client: socket.socket, data: bytes) -> None:
        client.sendall(data)
        with self._lock:
            self.sent += len(data)

    def _drip(self, client: socket.socket, data: bytes, size: int, gap: float) -> bool:
        for start in range(0, len(data), size):
            client.sendall(data[start : start + size])
            if self.stopping.wait(gap):
                return False
        return True


def _end(client: socket.socket, step: Step) -> None:
    """The steps behind which nothing more is said."""
    match step:
        case Reset():
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        case Hang():
            while client.recv(65536):
                pass
        case _:
            pass


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def by_query(message: Message, name: bytes) -> list[Step]:
    """Steps for the stand-alone form: `?delay=0.2&size=1000000&status=503&framing=chunked|close`."""
    query = parse_qs(message.target.partition(b"?")[2].decode("latin-1"))
    steps: list[Step] = [Pause(float(query["delay"][0]))] if "delay" in query else []
    if "size" in query:
        return [
            *steps,
            *sized(int(query["size"][0]), query.get("framing", ["length"])[0]),
        ]
    if "status" in query:
        return [*steps, Send(response(int(query["status"][0]), b"as asked"))]
    return [*steps, Send(plain(message, name))]


def sized(size: int, framing: str = "length") -> list[Step]:
    """An answer with `size` bytes of body (a multiple of 64 KiB when larger), framed as said."""
    block = b"0123456789abcdef" * 4096
    count, rest = divmod(size, len(block))
    head = b"HTTP/1.1 200 OK\r\nX-Origin: sized\r\n"
    if framing == "chunked":
        piece = b"%x\r\n%s\r\n" % (len(block), block)
        tail = (b"%x\r\n%s\r\n" % (rest, block[:rest]) if rest else b"") + b"0\r\n\r\n"
        return [
            Send(head + b"Transfer-Encoding: chunked\r\n\r\n"),
            Repeat(piece, count),
            Send(tail),
        ]
    if framing == "close":
        return [
            Send(head + b"Connection: close\r\n\r\n"),
            Repeat(block, count),
            Send(block[:rest]),
            Close(),
        ]
    return [
        Send(head + b"Content-Length: %d\r\n\r\n" % size),
        Repeat(block, count),
        Send(block[:rest]),
    ]


def main() -> None:
    """The stand-alone form: serve until killed, one journal line per complete request."""
    parser = argparse.ArgumentParser(description="a recording origin")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--name", default="origin")
    parser.add_argument("--journal", type=Path, default=Path(os.devnull))
    options = parser.parse_args()
    name = options.name.encode()
    with options.journal.open("a", buffering=1) as journal:

        def answer(message: Message) -> Sequence[Step]:
            line = {
                "origin": options.name,
                "id": message.value(b"x-id").decode("latin-1"),
                "method": message.method.decode("latin-1"),
                "target": message.target.decode("latin-1"),
                "sha256": message.sha256,
            }
            journal.write(json.dumps(line) + "\n")
            return by_query(message, name)

        with Origin(answer, port=options.port):
            while True:
                time.sleep(3600)


if __name__ == "__main__":
    main()

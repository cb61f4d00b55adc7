"""A raw client: sends exact bytes, reads answers strictly, knows how the connection ended."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from tests.support.strict import MalformedError, Message, Reader

Place = tuple[str, int]


class RawClient:
    """One connection to `place`.  All waiting is bounded by `patience` seconds.

    Attributes:
        answers: complete final answers so far; interim (1xx) ones are in `interim`.
        ended: "" while open, `closed` after a FIN, `reset` after a RST.
        malformed: why the answer bytes are no HTTP, or "".
    """

    def __init__(self, place: Place, *, patience: float = 5.0, receive_buffer: int = 0) -> None:
        self.patience = patience
        self.answers: list[Message] = []
        self.interim: list[Message] = []
        self.ended = ""
        self.malformed = ""
        self.raw = bytearray()
        self.reader = Reader(responses=True)
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(patience)
        try:
            self.socket.connect(place)
        except OSError:
            self.socket.close()
            raise
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.close()

    def asked(self, *methods: bytes) -> None:
        """The next answers belong to requests with these methods."""
        for method in methods:
            self.reader.asked(method)

    def ask(self, data: bytes) -> None:
        """Send one request whose method stands first."""
        self.asked(data.split(b" ", 1)[0])
        self.send(data)

    def send(self, data: bytes) -> None:
        """Send bytes while taking in what comes back; ends quietly when the other side has closed."""
        deadline = time.monotonic() + self.patience
        view = memoryview(data)
        with selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_READ | selectors.EVENT_WRITE)
            while view and not self.ended and time.monotonic() < deadline:
                for _, events in selector.select(0.1):
                    if events & selectors.EVENT_READ:
                        self._read()
                    if events & selectors.EVENT_WRITE and not self.ended:
                        view = view[self._write(view) :]

    def fin(self) -> None:
        """Close our sending side."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.ended = self.ended or "reset"

    def wait(self, count: int | None = None, *, patience: float | None = None) -> bool:
        """Read until there are `count` final answers, or (None) until the end; False when time is up."""
        return self.until(lambda: count is not None and len(self.answers) >= count, patience=patience)

    def until(self, condition: Callable[[], object], *, patience: float | None = None) -> bool:
        """Read until `condition()` holds or the other side has ended; False when time is up."""
        deadline = time.monotonic() + (self.patience if patience is None else patience)
        while not self.ended and not condition():
            left = deadline - time.monotonic()
            if left <= 0 or not self._readable(left):
                return False
            self._read()
        return True

    @property
    def statuses(self) -> list[int]:
        """Statuses of the final answers."""
        return [answer.status for answer in self.answers]

    @property
    def truncated(self) -> Message | None:
        """An answer that began and is not complete."""
        return self.reader.current

    def _readable(self, seconds: float) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_READ)
            return bool(selector.select(seconds))

    def _write(self, view: memoryview) -> int:
        try:
            return self.socket.send(view[: 1 << 18])
        except OSError:
            self._drain_after_error()
            return 0

    def _drain_after_error(self) -> None:
        while not self.ended and self._readable(0.2):
            self._read()
        self.ended = self.ended or "reset"

    def _read(self) -> None:
        try:
            data = self.socket.recv(1 << 18)
        except OSError:
            self.ended = "reset"
            return
        if len(self.raw) < 1 << 20:
            self.raw += data
        if not data:
            self.ended = "closed"
            self._keep(self.reader.eof())
        elif not self.malformed:
            try:
                self._keep(self.reader.feed(data))
            except MalformedError as error:
                self.malformed = str(error)

    def _keep(self, messages: Iterable[Message]) -> None:
        for message in messages:
            (self.interim if message.status < 200 else self.answers).append(message)


def fetch(place: Place, data: bytes, *, patience: float = 5.0) -> Message:
    """One request, one answer; raises AssertionError when there is none."""
    with RawClient(place, patience=patience) as client:
        client.ask(data)
        client.wait(1)
        assert client.answers, (
            f"no answer: {client.ended or 'time is up'} {client.malformed} {bytes(client.raw[:200])!r}"
        )
        return client.answers[0]

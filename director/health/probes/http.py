"""The pure part of an http check: the request, and what its answer says.

A check finds a server alive whose answers layer 7 takes, and no other: the heads are read by the reader
that is given, which is layer 7's own (RFC 9112 4, strictly, and the same limits).  Interim answers are
skipped, however many; RFC 9110 15.2.
"""

from __future__ import annotations

from typing import Protocol

from director.errors import MessageError
from director.health.probes.base import Judgement, shown
from director.model.pools import Address, Check

BODY_LIMIT = 65536
"""Octets of a body that are read (and thrown away) before the connection is cut."""
ANSWER_LIMIT = 1 << 20
"""Octets of heads in which the final one must have come: so many interim answers are no service."""


def request(check: Check, address: Address) -> bytes:
    """The whole request of an http check."""
    host = check.host or (str(address) if address.host else "localhost")
    lines = (
        f"{check.method} {check.target} HTTP/1.1",
        f"Host: {host}",
        "User-Agent: director-check",
        "Accept: */*",
        "Connection: close",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")


def ranges(check: Check) -> str:
    """The statuses that count as alive, as in `expect =`."""
    return ", ".join(f"{low}" if low == high else f"{low}-{high}" for low, high in check.statuses)


class Head(Protocol):
    """What a reader says of one head."""

    status: int


class HeadReader(Protocol):
    """Reads the heads of one answer, as `l7.http.responses.ResponseFramer` does."""

    buffer: bytes

    def feed(self, data: bytes) -> None:
        """Store octets."""

    def head(self) -> Head | None:
        """The next head, or None.  Raises: MessageError for anything that is not a strict one."""


class HttpProbe:
    """Asks, and reads the octets of the answer until its head decides.

    What follows is counted in `body`, never kept: a short body runs out, so that the server does not see
    its answer cut off.
    """

    resets = True

    def __init__(self, check: Check, address: Address, heads: HeadReader) -> None:
        self.judgement: Judgement | None = None
        self.body = 0
        self._check = check
        self._address = address
        self._heads = heads
        self._came = 0

    @property
    def enough(self) -> bool:
        """The server is dead, or so much of the body came that reading on would only cost."""
        return self.body > BODY_LIMIT or (self.judgement is not None and not self.judgement[0])

    def begin(self) -> bytes:
        """The request."""
        return request(self._check, self._address)

    def feed(self, data: bytes) -> bytes:
        """Take octets; `judgement` is there as soon as they decide."""
        if self.judgement is not None:
            self.body += len(data)
            return b""
        heads = self._heads
        self._came += len(data)
        heads.feed(data)
        begin = heads.buffer
        try:
            self._read(heads)
        except MessageError as error:
            self.judgement = False, f"no answer that layer 7 would take: {error.reason}: {shown(begin)}"
        if self.judgement is None and self._came > ANSWER_LIMIT:
            self.judgement = False, f"no final answer within {ANSWER_LIMIT} octets"
        return b""

    def _read(self, heads: HeadReader) -> None:
        while self.judgement is None:
            head = heads.head()
            if head is None:
                return
            if head.status >= 200 or head.status == 101:
                self._judge(head.status)
                self.body = len(heads.buffer)

    def closed(self) -> Judgement:
        """The server closed; the judgement that follows when there was none before."""
        if self.judgement is None:
            said = "an incomplete answer" if self._came else "the connection was closed without an answer"
            self.judgement = False, said
        return self.judgement

    def _judge(self, status: int) -> None:
        alive = any(low <= status <= high for low, high in self._check.statuses)
        self.judgement = alive, f"status {status}" + ("" if alive else f", expected {ranges(self._check)}")

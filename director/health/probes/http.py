"""The pure part of an http check: the request, and what its answer says.

A check finds a server alive whose answers layer 7 takes, and no other: the heads are read by the reader
that is given, which is layer 7's own (RFC 9112 4, strictly, and the same limits).  Interim answers are
skipped, however many; RFC 9110 15.2.
"""

from __future__ import annotations

from typing import Protocol

from director.errors import MessageError
from director.health.probes.base import Judgement, shown
from director.health.probes.terms import unmet
from director.model.pools import Address, Check

BODY_LIMIT = 65536
"""Octets of a body that are looked at, and that are read at most before the connection is cut."""
ANSWER_LIMIT = 1 << 20
"""Octets in which an answer must have said enough: so many interim answers, or chunks, are no service."""


def request(check: Check, address: Address) -> bytes:
    """The whole request of an http check."""
    host = check.host or (str(address) if address.host else "localhost")
    fields = {"Host": host, "User-Agent": "director-check", "Accept": "*/*", "Connection": "close"}
    given = {name.lower() for name, _ in check.headers}
    lines = [f"{check.method} {check.target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in fields.items() if name.lower() not in given]
    lines += [f"{name}: {value}" for name, value in check.headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")


def ranges(check: Check) -> str:
    """The statuses that count as alive, as in `expect =`."""
    return ", ".join(f"{low}" if low == high else f"{low}-{high}" for low, high in check.statuses)


class Lines(Protocol):
    """The field lines of a head."""

    def values(self, name: bytes) -> list[bytes]:
        """The values of one field (lower-case name), in order."""


class BodyReader(Protocol):
    """Takes the octets behind a head apart."""

    done: bool

    def read(self, data: bytes) -> tuple[bytes, bytes]:
        """Payload and surplus.  Raises MessageError when the framing breaks."""

    def end(self) -> bool:
        """The connection's end: is the body whole?"""


class Head(Protocol):
    """What a reader says of one head."""

    status: int

    @property
    def lines(self) -> Lines:
        """The field lines."""

    def body(self) -> BodyReader:
        """A fresh reader for the body."""


class HeadReader(Protocol):
    """Reads the heads of one answer, as `l7.http.responses.ResponseFramer` does."""

    buffer: bytes

    def feed(self, data: bytes) -> None:
        """Store octets."""

    def head(self) -> Head | None:
        """The next head, or None.  Raises: MessageError for anything that is not a strict one."""


class HttpAnswer:
    """The facts of one answer, as conditions ask for them."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self.body = ""

    def headers(self, name: str) -> tuple[str, ...]:
        """The values of a field by its name in lower case."""
        return tuple(value.decode("latin-1") for value in self._lines.values(name.encode()))


class HttpProbe:
    """Asks, and reads the octets of the answer until they decide.

    The head decides, unless the check expects something of the body: then its first `BODY_LIMIT` octets
    are kept, and decide when they are there or the answer is over.  Behind the judgement nothing is kept: a
    short body runs out, so that the server does not see its answer cut off.
    """

    resets = True

    def __init__(self, check: Check, address: Address, heads: HeadReader) -> None:
        self.judgement: Judgement | None = None
        self.body = 0
        self._check = check
        self._address = address
        self._heads = heads
        self._came = 0
        self._answer: HttpAnswer | None = None
        self._reader: BodyReader | None = None
        self._said = ""
        self._text = b""

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
        self._came += len(data)
        begin = data
        try:
            if self._reader is not None:
                self._read_body(self._reader, data)
            else:
                self._heads.feed(data)
                begin = self._heads.buffer
                self._read_heads(self._heads)
        except MessageError as error:
            self.judgement = False, f"no answer that layer 7 would take: {error.reason}: {shown(begin)}"
        if self.judgement is None and self._came > ANSWER_LIMIT:
            self.judgement = False, f"no final answer within {ANSWER_LIMIT} octets"
        return b""

    def _read_heads(self, heads: HeadReader) -> None:
        while self.judgement is None:
            head = heads.head()
            if head is None:
                return
            if head.status >= 200 or head.status == 101:
                rest, heads.buffer = heads.buffer, b""
                self._judge_head(head, rest)
                return

    def _judge_head(self, head: Head, rest: bytes) -> None:
        check, status = self._check, head.status
        self._said = f"status {status}"
        if not any(low <= status <= high for low, high in check.statuses):
            self.judgement = False, f"{self._said}, expected {ranges(check)}"
            return
        self._answer = answer = HttpAnswer(head.lines)
        self._judge_terms(answer, "header")
        if self.judgement is None and any(term.fact == "body" for term in check.terms):
            self._reader = head.body()
            self._read_body(self._reader, rest)
        elif self.judgement is None:
            self.judgement = True, self._said
        self.body += len(rest)

    def _read_body(self, reader: BodyReader, data: bytes) -> None:
        if not reader.done:
            payload, _ = reader.read(data)
            self._text += payload[: BODY_LIMIT - len(self._text)]
        if reader.done or len(self._text) >= BODY_LIMIT:
            self._judge_body()

    def _judge_body(self) -> None:
        if self._answer is not None:
            self._answer.body = self._text.decode("utf-8", "replace")
            self._judge_terms(self._answer, "body")
            self.judgement = self.judgement or (True, self._said)

    def _judge_terms(self, answer: HttpAnswer, fact: str) -> None:
        """The first term of that fact that does not hold decides."""
        lacking = unmet((term for term in self._check.terms if term.fact == fact), answer)
        if lacking:
            self.judgement = False, f"{self._said}, but not {lacking}"

    def closed(self) -> Judgement:
        """The server closed; the judgement that follows when there was none before."""
        if self.judgement is None and self._reader is not None and self._reader.end():
            self._judge_body()
        if self.judgement is None:
            said = "an incomplete answer" if self._came else "the connection was closed without an answer"
            self.judgement = False, said
        return self.judgement

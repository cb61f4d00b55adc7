"""The pure part of an http check: the request, and what its answer says.

Strict in what decides (status line, status), tolerant in what does not matter here
(bare LF, unknown fields): a server that HTTP clients can use shall not be called dead.
RFC 9112 sections 4 and 5.
"""

from __future__ import annotations

import re

from director.model.pools import Address, Check

HEAD_LIMIT = 4096
"""Octets in which the head of the answer must end."""
BODY_LIMIT = 65536
"""Octets of a body that are read (and thrown away) before the connection is cut."""
INTERIM_LIMIT = 8
"""How many interim answers (1xx) are skipped."""

_BEGIN = b"HTTP/1."
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?")
_FIELD_LINE = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t]*:[^\x00\r\n]*")


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


Judgement = tuple[bool, str]
"""(alive, why)."""


class AnswerReader:
    """Reads the octets of one answer until its head decides.

    `judgement` is None until then.  What follows is counted in `body`, never kept.
    """

    def __init__(self, check: Check) -> None:
        self.check = check
        self.judgement: Judgement | None = None
        self.body = 0
        self._head = b""
        self._interim = 0

    @property
    def enough(self) -> bool:
        """So much of the body came that reading on would only cost."""
        return self.body > BODY_LIMIT

    def feed(self, data: bytes) -> Judgement | None:
        """Take octets; returns the judgement as soon as there is one."""
        if self.judgement is not None:
            self.body += len(data)
            return self.judgement
        self._head += data
        if not self._head.startswith(_BEGIN[: len(self._head)]):
            self.judgement = False, f"not an HTTP answer: {shown(self._head)}"
        while self.judgement is None:
            end = re.search(rb"\r?\n\r?\n", self._head)
            if end is None:
                if len(self._head) > HEAD_LIMIT:
                    self.judgement = False, f"the head of the answer is longer than {HEAD_LIMIT} octets"
                break
            head, self._head = self._head[: end.start()], self._head[end.end() :]
            self._judge(head)
        if self.judgement is not None:
            self.body, self._head = len(self._head), b""
        return self.judgement

    def closed(self) -> Judgement:
        """The server closed; the judgement that follows when there was none before."""
        if self.judgement is None:
            said = "an incomplete answer" if self._head else "the connection was closed without an answer"
            self.judgement = False, said
        return self.judgement

    def _judge(self, head: bytes) -> None:
        if len(head) > HEAD_LIMIT:
            self.judgement = False, f"the head of the answer is longer than {HEAD_LIMIT} octets"
            return
        first, *fields = re.split(rb"\r?\n", head)
        line = _STATUS_LINE.fullmatch(first)
        if line is None:
            self.judgement = False, f"not an HTTP answer: {shown(first)}"
            return
        if not all(_FIELD_LINE.fullmatch(field) for field in fields):
            self.judgement = False, "a header field of the answer is malformed"
            return
        status = int(line[1])
        if status < 200 and status != 101 and self._interim < INTERIM_LIMIT:
            self._interim += 1
            return
        alive = any(low <= status <= high for low, high in self.check.statuses)
        self.judgement = alive, f"status {status}" + ("" if alive else f", expected {ranges(self.check)}")


def shown(octets: bytes) -> str:
    """Hostile octets as a short text for a log line."""
    text = octets[:40].decode("latin-1")
    safe = "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in text)
    return repr(safe) + ("…" if len(octets) > 40 else "")

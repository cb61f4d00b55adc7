"""What every kind of probe is: octets in, octets out, and a judgement at some point.

`StreamProbe` is one probe over a connection.  The shell gives it `begin` when the connection is open,
sends what it returns, hands on what comes, and tells the judgement as soon as there is one; `closed` is
the judgement when the server ends the connection before.  A probe is pure and is used once.
"""

from __future__ import annotations

from typing import Any, Protocol

from director.health.schedule import CheckTarget
from director.model.pools import Advice

Judgement = tuple[bool | None, str]
"""(alive, why); None when nothing can be said of the server."""

ANSWER_LIMIT = 65536
"""Octets of an answer that may come before it says something: more is no answer to such a small question."""


class StreamProbe(Protocol):
    """One probe over a connection.

    Attributes:
        judgement: how it went, once that is known; it does not change any more.
        enough: nothing more is worth reading: the connection can be ended.
        resets: it is ended with a reset, so that no TIME_WAIT is left on either side; else with a FIN.
    """

    judgement: Judgement | None

    @property
    def resets(self) -> bool:
        """The connection is ended with a reset."""

    @property
    def enough(self) -> bool:
        """Nothing more is worth reading."""

    def begin(self) -> bytes:
        """The connection is open: what is sent at once."""

    def feed(self, data: bytes) -> bytes:
        """Octets came: what is sent in return."""

    def closed(self) -> Judgement:
        """The server closed: the judgement of before, or the one that follows."""


class Reporter(Protocol):
    """Who made a probe, as what carries it sees him.

    Attributes:
        waits_for: what did not come when the time is up.
    """

    reactor: Any
    target: CheckTarget
    waits_for: str

    @property
    def is_over(self) -> bool:
        """Nobody waits for it any more."""

    def report(self, alive: bool | None, reason: str, advice: Advice | None = None) -> None:
        """Say how it went; only the first word counts."""

    def lacks(self, reason: str) -> None:
        """Nothing could be heard of the server."""

    def mark(self, phase: str) -> None:
        """A part of it is done."""

    def saw(self, data: bytes) -> None:
        """The server said something."""

    def over(self) -> None:
        """Nothing is left on the network."""


class TalkProbe:
    """What the probes of small protocols share: an answer that grows until it says something.

    A kind says `question` and `read`, which sets `judgement` when it can and returns what is sent in
    return.
    """

    question = b""
    resets = False

    def __init__(self) -> None:
        self.judgement: Judgement | None = None
        self.enough = False
        self.answer = b""

    def begin(self) -> bytes:
        """The question."""
        return self.question

    def feed(self, data: bytes) -> bytes:
        """Take octets in until there is a judgement; then the connection has served its purpose."""
        if self.judgement is not None:
            return b""
        self.answer += data
        reply = self.read()
        if self.judgement is None and len(self.answer) > ANSWER_LIMIT:
            self.judgement = False, f"no answer within {ANSWER_LIMIT} octets: {shown(self.answer)}"
        self.enough = self.judgement is not None and not reply
        return reply

    def read(self) -> bytes:
        """Judge `answer` if it says enough; returns what is sent in return."""
        raise NotImplementedError

    def closed(self) -> Judgement:
        """The server closed without having said enough."""
        if self.judgement is None:
            said = f": {shown(self.answer)}" if self.answer else ""
            self.judgement = False, f"the connection was closed without an answer{said}"
        return self.judgement


_SAFE = bytes(octet if 32 <= octet < 127 else ord("?") for octet in range(256))
"""What is printed of each octet."""


def shown(octets: bytes) -> str:
    """Hostile octets as a short text for a log line."""
    return repr(octets[:40].translate(_SAFE).decode("ascii")) + ("…" if len(octets) > 40 else "")

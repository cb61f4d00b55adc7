"""How two processes of one director talk: questions with answers, both ways, over a socket pair.

AMP carries them (twisted.protocols.amp), one box after the other.  A value of a box holds 65 535 octets, so
a longer text goes in pieces before the box that it belongs to.  Open files go the same way, each under a
name, before the question that needs them (SCM_RIGHTS of unix(7)).

Texts are what travels: JSON of plain values where they are many, `store.values` where they are values of the
model.  What the other side refuses arrives as `DirectorError` with its words; when it is gone, all that is
still asked fails with `Gone`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred, fail, maybeDeferred
from twisted.internet.error import ConnectionClosed, ConnectionDone
from twisted.logger import Logger
from twisted.protocols import amp
from twisted.python.failure import Failure

from director.errors import DirectorError

PIECE = 60_000
"""Octets of one piece."""
LARGEST = 256 << 20
"""Octets of one text; a longer one is nonsense, and ends the connection."""
WAITING = 256
"""Questions without an answer; who owes so many is not asked any more."""

Answer = Callable[[Any], Any]
"""Takes what was asked; gives the answer, or a Deferred of it.  DirectorError and OSError travel."""

_END = Failure(ConnectionDone())
_log = Logger(namespace="director.processes")


class Gone(DirectorError):  # noqa: N818 - it is what happened
    """The process at the other end is not there any more, or does not listen."""


class Overfull(Gone):
    """It is there and owes too many answers: what it was asked now it does not even know of."""


class CallRefused(Exception):  # noqa: N818 - AMP's own form of what happened
    """What travels of an error: its words."""


class Chunk(amp.Command):
    """A part of the text that belongs to the question or answer `number`."""

    arguments = [(b"number", amp.Integer()), (b"data", amp.String())]  # noqa: RUF012 - AMP's form
    requiresAnswer = False


class Hand(amp.Command):
    """An open file, under a name."""

    arguments = [(b"name", amp.Unicode()), (b"descriptor", amp.Descriptor())]  # noqa: RUF012 - AMP's form
    requiresAnswer = False


class Ask(amp.Command):
    """A question: its word and the last piece of its text; so is the answer."""

    arguments = [  # noqa: RUF012 - AMP's form
        (b"number", amp.Integer()),
        (b"word", amp.Unicode()),
        (b"data", amp.String()),
    ]
    response = [(b"number", amp.Integer()), (b"data", amp.String())]  # noqa: RUF012 - AMP's form
    errors = {CallRefused: b"REFUSED"}  # noqa: RUF012 - AMP's form


class Channel(amp.AMP):
    """One end.

    Args:
        answers: what is answered here, by its word.
        lost: called once when the other end is gone.

    Attributes:
        handed: descriptors that came, by their names; who uses one takes it out.
    """

    def __init__(self, answers: Mapping[str, Answer], lost: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self.handed: dict[str, int] = {}
        self._answers = answers
        self._lost = lost
        self._numbers = 0
        self._waiting = 0
        self._pieces: dict[int, list[bytes]] = {}
        self._octets = 0

    # -- asking --

    @property
    def open(self) -> bool:
        """Somebody is at the other end."""
        transport: Any = self.transport
        return transport is not None and bool(transport.connected)

    def close(self) -> None:
        """Let go."""
        transport: Any = self.transport
        if transport is not None:
            transport.loseConnection()

    def ask(self, word: str, value: Any = None) -> Deferred[Any]:
        """Ask; fires with the answer, fails with DirectorError."""
        if not self.open:
            return fail(Gone("the process is gone"))
        if self._waiting >= WAITING:
            return fail(Overfull("the process does not answer any more"))
        self._waiting += 1
        number, last = self._begun(value)
        asked: Deferred[Any] = self.callRemote(Ask, number=number, word=word, data=last)
        return asked.addBoth(self._heard).addCallbacks(self._answered, _failed)

    def tell(self, word: str, value: Any = None) -> None:
        """Ask, and do without the answer; what goes wrong is the other side's to say."""
        self.ask(word, value).addErrback(lambda _: None)

    def hand(self, name: str, descriptor: int) -> None:
        """Give an open file to the other end.  It stays open here, and must, until that has answered."""
        if self.open:
            self.callRemote(Hand, name=name, descriptor=descriptor)

    def drop(self) -> None:
        """Close what was handed over and nobody took."""
        for descriptor in self.handed.values():
            os.close(descriptor)
        self.handed.clear()

    def _begun(self, value: Any) -> tuple[int, bytes]:
        """Send all but the last piece of a text; its number, and that last piece."""
        self._numbers += 1
        data = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        for start in range(0, len(data) - PIECE, PIECE):
            self.callRemote(Chunk, number=self._numbers, data=data[start : start + PIECE])
        sent = max(0, -(-len(data) // PIECE) - 1) * PIECE
        return self._numbers, data[sent:]

    def _heard(self, result: Any) -> Any:
        self._waiting -= 1
        return result

    def _answered(self, box: Mapping[str, Any]) -> Any:
        return self._whole(box["number"], box["data"])

    # -- answering --

    @Chunk.responder
    def _piece(self, number: int, data: bytes) -> dict[str, Any]:
        self._octets += len(data)
        if self._octets > LARGEST:
            self.close()
        self._pieces.setdefault(number, []).append(data)
        return {}

    @Hand.responder
    def _handed(self, name: str, descriptor: int) -> dict[str, Any]:
        old = self.handed.pop(name, None)
        if old is not None:
            os.close(old)
        os.set_inheritable(descriptor, False)
        self.handed[name] = descriptor
        return {}

    @Ask.responder
    def _asked(self, number: int, word: str, data: bytes) -> Deferred[Any]:
        value = self._whole(number, data)
        answer = self._answers.get(word)
        if answer is None:
            return fail(CallRefused(f"this version does not know {word!r}; restart the director"))
        done: Deferred[Any] = maybeDeferred(answer, value)
        return done.addCallbacks(self._reply, _told, errbackArgs=(word,))

    def _reply(self, value: Any) -> dict[str, Any]:
        number, last = self._begun(value)
        return {"number": number, "data": last}

    def _whole(self, number: int, data: bytes) -> Any:
        pieces = self._pieces.pop(number, None)
        if pieces is not None:
            self._octets -= sum(map(len, pieces))
            data = b"".join([*pieces, data])
        return json.loads(data)

    # -- the end --

    def connectionLost(self, reason: Failure = _END) -> None:
        """The other end is gone."""
        super().connectionLost(reason)
        self.drop()
        self._lost()


def _told(failure: Failure, word: str) -> Failure:
    """What happened here, for the other end; a surprise is logged here."""
    if failure.check(DirectorError, OSError):
        raise CallRefused(failure.getErrorMessage())
    _log.failure("a fault of the director while it answered {word}", failure=failure, word=word)
    raise CallRefused(f"a fault of the director while it answered {word}; its log has the details")


def _failed(failure: Failure) -> Failure:
    """What the other end said, or that it is gone."""
    if failure.check(CallRefused):
        raise DirectorError(failure.getErrorMessage())
    if failure.check(ConnectionClosed, amp.ProtocolSwitched):
        raise Gone("the process is gone")
    return failure

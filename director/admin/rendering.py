"""Long answers: rendered once for all who ask meanwhile, and written at each reader's speed.

`Renderings` shares what is dear to make; `Pieces` writes an answer piece by piece in the admin's turns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakSet

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.logger import Logger
from twisted.web.server import Request
from zope.interface import implementer

from director.admin.economy import Economy
from director.admin.turns import Turns

RENDERINGS_KEPT = 8
"""Renderings that slow readers may hold on to; with more, the newest serves everybody."""

_log = Logger()


class Rendering:
    """One text in pieces, made by whichever reader comes to its end first.

    Args:
        made: told the processor time that all of it took.
        version: of what it shows.
    """

    def __init__(
        self,
        source: Iterator[bytes],
        spent: Callable[[], float],
        made: Callable[[float], None],
        version: int,
    ) -> None:
        self.version = version
        self._source = source
        self._spent = spent
        self._made = made
        self._pieces: list[bytes] = []
        self.ended = False
        self.cost = 0.0

    def __iter__(self) -> Iterator[bytes]:
        """All pieces, for one reader."""
        at = 0
        while at < len(self._pieces) or self._advance():
            yield self._pieces[at]
            at += 1

    def _advance(self) -> bool:
        if not self.ended:
            begin = self._spent()
            piece = next(self._source, None)
            self.cost += self._spent() - begin
            if piece is not None:
                self._pieces.append(piece)
                return True
            self.ended = True
            self._made(self.cost)
        return False


class Renderings:
    """The newest rendering of one thing, which serves others when it is dear (`economy`).

    Args:
        spent: processor time.
    """

    def __init__(self, seconds: Callable[[], float], spent: Callable[[], float]) -> None:
        self._seconds = seconds
        self._spent = spent
        self._economy = Economy()
        self._newest: Rendering | None = None
        self._held: WeakSet[Rendering] = WeakSet()

    def pieces(self, make: Callable[[], Iterator[bytes]]) -> Iterator[bytes]:
        """What `make` renders now, or what it rendered a moment ago for somebody else."""
        return iter(self.newest(make))

    def newest(self, make: Callable[[], Iterator[bytes]], version: int = 0) -> Rendering:
        """The same; one that shows another version is given only when too many are held already."""
        newest = self._newest
        if newest is not None:
            current = newest.version == version and self._serves(newest)
            if current or len(self._held) >= RENDERINGS_KEPT:
                return newest
        made = self._newest = Rendering(make(), self._spent, self._ended, version)
        self._held.add(made)
        return made

    def _serves(self, newest: Rendering) -> bool:
        """One that is being made is as dear as it was up to here."""
        return self._economy.serves(self._seconds()) if newest.ended else self._economy.dear(newest.cost)

    def _ended(self, cost: float) -> None:
        self._economy.made(cost, self._seconds())


@implementer(IPushProducer)
class Pieces:
    """Writes a long answer piece by piece, at the reader's speed.

    An answer that cannot be made to its end is cut off, so that its reader can tell.
    """

    def __init__(self, request: Request, pieces: Iterator[bytes], turns: Turns) -> None:
        self._request = request
        self._pieces = pieces
        self._turns = turns
        self._paused = False
        self._waiting = False
        self.done: Deferred[None] = Deferred(lambda _: self.stopProducing())
        request.registerProducer(self, True)
        if self._step():
            self._again()

    def _step(self) -> bool:
        self._waiting = False
        if self._paused or self.done.called:
            return False
        try:
            piece = next(self._pieces, None)
        except Exception:  # noqa: BLE001 - its head was sent: cutting is all that can be said
            _log.failure("An answer of the admin cannot be made to its end")
            self._paused = True
            channel: Any = self._request.channel
            channel.transport.abortConnection()
            return False
        if piece is None:
            self._request.unregisterProducer()
            self.done.callback(None)
            return False
        self._request.write(piece)
        self._waiting = not self._paused
        return self._waiting

    def _again(self) -> None:
        self._waiting = True
        self._turns.add(self._step)

    def pauseProducing(self) -> None:
        """The reader is slow."""
        self._paused = True

    def resumeProducing(self) -> None:
        """There is room again."""
        self._paused = False
        if not self._waiting:
            self._again()

    def stopProducing(self) -> None:
        """The reader is gone."""
        self._paused = True

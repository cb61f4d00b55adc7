"""Answers without an end: each reader is told what is new, at its own speed.

A stream looks for news every `PERIOD`, so a thousand events in a moment are one write.  What a reader does
not take stays where it is (`Feed` has a place, no queue); one that takes nothing for `channel.STALL_SECONDS`
is cut.  Of more than `STREAMS` at once the newcomer is refused: whoever was cut off to make room would come
again at once, and so on for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, IReactorTime
from twisted.logger import Logger
from twisted.web.server import Request
from zope.interface import implementer

from director.admin.answers import NewsSource, Refusal
from director.admin.turns import Turns

STREAMS = 64
"""StreamReaders of one site, a quarter of its connections."""
PERIOD = 0.2
"""Seconds between two looks for news."""
HEARTBEAT = 15.0
"""Seconds without news until a comment is sent, so that both ends notice when the other is gone."""
COMMENT = b":\n\n"

_log = Logger()


class StreamReaders:
    """All streams of one site."""

    def __init__(self, clock: IReactorTime, turns: Turns) -> None:
        self._clock = clock
        self._turns = turns
        self._open: set[StreamReader] = set()

    def __len__(self) -> int:
        return len(self._open)

    def demand_room(self) -> None:
        """Raises Refusal when there are too many."""
        if len(self._open) >= STREAMS:
            text = f"{STREAMS} streams are read already; ask with ?after= for a list"
            raise Refusal(503, text, "events", (("Retry-After", "5"),))

    def begin(self, request: Request, feed: NewsSource, welcome: Callable[[], bool]) -> Deferred[None]:
        """Tell `feed` to who asked, as long as they are `welcome`; fires when it is over."""
        stream = StreamReader(request, feed, welcome, self._clock, self._turns)
        self._open.add(stream)
        return stream.done.addBoth(self._over, stream)

    def _over(self, result: Any, stream: StreamReader) -> Any:
        self._open.discard(stream)
        stream.stopProducing()
        return result


@implementer(IPushProducer)
class StreamReader:
    """One reader."""

    def __init__(
        self,
        request: Request,
        feed: NewsSource,
        welcome: Callable[[], bool],
        clock: IReactorTime,
        turns: Turns,
    ) -> None:
        self._request = request
        self._feed = feed
        self._welcome = welcome
        self._clock = clock
        self._turns = turns
        self._paused = False
        self._quiet = 0.0
        self._next: Any = None
        self.done: Deferred[None] = Deferred(lambda _: self.stopProducing())
        request.registerProducer(self, True)
        channel: Any = request.channel
        channel.endless()
        request.write(feed.head())
        self._turns.add(self._step)

    def _look(self) -> None:
        self._next = None
        self._turns.add(self._step)

    def _step(self) -> bool:
        if self._paused or self.done.called or self._next is not None:
            return False
        if not self._welcome():
            self._end()
            return False
        news = self._news()
        if news:
            self._quiet = self._clock.seconds()
            self._request.write(news)
            return not self._paused
        if self._clock.seconds() - self._quiet >= HEARTBEAT:
            self._quiet = self._clock.seconds()
            self._request.write(COMMENT)
        if not self._paused:
            self._next = self._clock.callLater(PERIOD, self._look)
        return False

    def _news(self) -> bytes:
        try:
            return self._feed.news()
        except Exception:  # noqa: BLE001 - its head was sent: cutting is all that can be said
            _log.failure("A stream of the admin cannot go on")
            channel: Any = self._request.channel
            channel.transport.abortConnection()
            return b""

    def _end(self) -> None:
        self._request.unregisterProducer()
        self.done.callback(None)

    def pauseProducing(self) -> None:
        """The reader is slow."""
        self._paused = True

    def resumeProducing(self) -> None:
        """There is room again."""
        if self._paused:
            self._paused = False
            self._turns.add(self._step)

    def stopProducing(self) -> None:
        """The reader is gone, or it is over."""
        self._paused = True
        if self._next is not None:
            self._next.cancel()
            self._next = None

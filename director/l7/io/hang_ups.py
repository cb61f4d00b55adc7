"""Resets of connections that nobody reads any more: the peer has sent its FIN, and may still go away.

Behind a FIN there is nothing to read, so the loop does not watch for it, and a reset would be heard of at
the next write only: of a tunnel that may be an hour later.  epoll(7) tells errors also to who asks for no
event at all, so such connections stand in an epoll set of their own, without events, and the loop watches
that set.  It costs one system call for a half-close that is followed by more, and nothing for all others.
"""

from __future__ import annotations

import select
from typing import Any, Protocol

from twisted.internet.interfaces import IReadDescriptor
from twisted.internet.main import CONNECTION_LOST
from zope.interface import implementer


class Ended(Protocol):
    """A connection whose peer has sent its FIN."""

    def fileno(self) -> int:
        """The descriptor."""

    def connectionLost(self, reason: object) -> None:
        """It is gone."""


@implementer(IReadDescriptor)
class HangUps:
    """All such connections of one reactor, and what tells it of their resets."""

    def __init__(self) -> None:
        self._poller = select.epoll()
        self._watched: dict[int, Ended] = {}

    def fileno(self) -> int:
        """The set can be read when one of its connections was reset."""
        return self._poller.fileno()

    def logPrefix(self) -> str:
        """A name for log lines."""
        return "hang-ups"

    def watch(self, ended: Ended) -> None:
        """Tell `ended` when its connection is reset; `forget` before it is closed."""
        descriptor = ended.fileno()
        self._poller.register(descriptor, 0)
        self._watched[descriptor] = ended

    def forget(self, ended: Ended) -> None:
        """Its connection is closed now; what was told already is forgotten, too."""
        descriptor = ended.fileno()
        if self._watched.pop(descriptor, None) is not None:
            self._poller.unregister(descriptor)

    def doRead(self) -> None:
        """Some were reset, or have ended on both sides, which is no news."""
        for descriptor, event in self._poller.poll(0):
            ended = self._watched.get(descriptor)
            if ended is not None:
                self.forget(ended)
                if event & select.EPOLLERR:
                    ended.connectionLost(CONNECTION_LOST)

    def connectionLost(self, reason: Any) -> None:
        """The reactor stops."""
        self._watched.clear()
        self._poller.close()

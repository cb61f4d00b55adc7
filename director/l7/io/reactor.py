"""The lean reactor: Twisted's epoll reactor with a shorter way for the plain case.

The stock loop wraps every event in a logging context.  Here a descriptor that is merely readable has
its `doRead` called directly; everything else takes the stock path.  Errors are logged as in the
stock reactor and cost the one connection only.  An event goes to whom it was meant for: the stock loop
gives what came for a descriptor that was closed in the same turn to the new one that got its number.
"""

from __future__ import annotations

import time
from select import EPOLLIN
from typing import Any

from twisted.internet.epollreactor import EPollReactor
from twisted.internet.main import CONNECTION_LOST, installReactor
from twisted.python import log

EVENTS_PER_TURN = 512
"""Events taken per turn; more would only delay timers and writers."""


class LeanReactor(EPollReactor):
    """An epoll reactor that dispatches plain reads without ceremony, on a clock that never jumps."""

    seconds = staticmethod(time.monotonic)

    def doPoll(self, timeout: float | None) -> None:  # noqa: N802 - Twisted's name
        """Wait for events and dispatch them."""
        try:
            events = self._poller.poll(-1 if timeout is None else timeout, EVENTS_PER_TURN)
        except InterruptedError:
            return
        selectables = self._selectables
        meant = [selectables.get(fd) for fd, _ in events]
        for (fd, event), selectable in zip(events, meant, strict=True):
            if selectables.get(fd) is not selectable or selectable is None:
                # Closed during this turn; the number may be another descriptor's by now.
                continue
            if event == EPOLLIN:
                try:
                    why = selectable.doRead()
                except Exception:  # noqa: BLE001 - one broken connection must not stop the loop
                    log.err(None, "a descriptor failed while reading")
                    why = CONNECTION_LOST
                if why:
                    self._disconnectSelectable(selectable, why, True)
            else:
                log.callWithLogger(selectable, self._doReadOrWrite, selectable, fd, event)

    doIteration = doPoll  # noqa: N815 - Twisted's name


def install() -> Any:
    """Make this the program's reactor; call it before anything imports the default one."""
    reactor = LeanReactor()
    installReactor(reactor)
    return reactor

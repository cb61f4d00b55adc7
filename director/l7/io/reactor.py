"""The lean reactor: Twisted's epoll reactor with a shorter way for the plain case.

The stock loop wraps every event in a logging context.  Here a descriptor that is merely readable has
its `doRead` called directly; everything else takes the stock path.  Errors are logged as in the
stock reactor and cost the one connection only.  An event goes to whom it was meant for: the stock loop
gives what came for a descriptor that was closed in the same turn to the new one that got its number.

It looks at the descriptors before a late timer is called.  When the process was stopped (SIGSTOP, a
frozen machine) or held up, timers are due for which answers wait in the kernel: `epoll_wait` came back
empty-handed from the stop (Python's `poll` does not look again when its time-out has passed meanwhile),
or the events at hand were polled before it.  Such a turn is followed by others that do not wait, until
one was not late and left nothing behind.
"""

from __future__ import annotations

import time
from select import EPOLLIN
from typing import Any

from twisted.internet.epollreactor import EPollReactor
from twisted.internet.main import CONNECTION_LOST, installReactor
from twisted.python import log

from director.l7.io.hang_ups import Ended, HangUps

EVENTS_PER_TURN = 512
"""Events taken per turn; more would only delay timers and writers."""
LATE_SECONDS = 0.05
"""A turn that ends so long after timers were due was held up."""
LOOKS = 8
"""Turns that may follow a late one before timers are called."""


class LeanReactor(EPollReactor):
    """An epoll reactor that dispatches plain reads without ceremony, on a clock that never jumps.

    Attributes:
        turns: how often it has polled.
        ready: the descriptors for which the last poll had an event; None when there may be more.
    """

    seconds = staticmethod(time.monotonic)
    turns = 0
    ready: dict[int, int] | None = None
    _hang_ups: HangUps | None = None

    def watch_end(self, ended: Ended) -> HangUps:
        """Tell `ended`, whose peer has sent FIN, of a reset; returns what must `forget` it."""
        if self._hang_ups is None:
            self._hang_ups = HangUps()
            self.addReader(self._hang_ups)
        self._hang_ups.watch(ended)
        return self._hang_ups

    def doPoll(self, timeout: float | None) -> None:  # noqa: N802 - Twisted's name
        """Wait for events and dispatch them; after a hold-up look again, so that timers come last."""
        if timeout is None:
            self._turn(-1)
            return
        clock = time.monotonic
        due = clock() + timeout
        self._turn(timeout)
        if clock() - due > LATE_SECONDS:
            for _ in range(LOOKS):
                due = clock()
                self._turn(0)
                if self.ready is not None and clock() - due <= LATE_SECONDS:
                    break

    def _turn(self, timeout: float) -> None:
        try:
            events = self._poller.poll(timeout, EVENTS_PER_TURN)
        except InterruptedError:
            return
        self.turns += 1
        self.ready = dict(events) if len(events) < EVENTS_PER_TURN else None
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

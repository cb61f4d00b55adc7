"""The running program lets a new one take its place: see the package for both sides.

The new program is asked for nothing; it asks.  Until it has said that it is ready this one can go on,
whatever becomes of it.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger

from director.admin.control import Succeeded, WaitingReload
from director.errors import ChangeRefused, DirectorError
from director.program.candidate import Candidate
from director.program.parts import Part, Parts
from director.program.processes.channel import Answer
from director.program.upgrade.heritage import LET_GO, READY, REFUSED
from director.program.upgrade.starting import Starting
from director.program.upgrade.successor import Successor

STARTING = 80.0
"""Seconds that a new program may take until it is ready; who asked is answered before the admin gives up."""
FAREWELL = 0.3
"""Seconds for the answer to reach who asked."""
LINGERING = 10.0
"""Seconds that one that was too slow may take to end."""

_log = Logger(namespace="director")


class Upgrade(Part):
    """One running program's.

    Args:
        starting: how it was started.
        unconfirmed: the reload that waits for its confirmation.
        away: called when another process has taken over, and this one shall end after `FAREWELL`.

    Attributes:
        successor: the process that goes on; 0 for none.
    """

    def __init__(
        self,
        reactor: Any,
        starting: Starting,
        unconfirmed: Callable[[], WaitingReload | None],
        away: Callable[[int], object],
    ) -> None:
        self._reactor = reactor
        self._starting = starting
        self._unconfirmed = unconfirmed
        self._away = away
        self._parts = Parts(())
        self._new: Successor | None = None
        self._waiting: Deferred[Succeeded] | None = None
        self._left = False
        self._late: Any = None
        self.successor = 0

    def learn(self, parts: Parts) -> None:
        """What is handed over; we are one of them."""
        self._parts = parts

    def check(self, candidate: Candidate) -> None:
        """Raises ChangeRefused when another process goes on with this director."""
        if self.successor:
            raise ChangeRefused("EBUSY", f"process {self.successor} goes on with this director; ask it")

    def stop(self, grace: float) -> None:
        """Nothing is handed over any more."""
        new = self._new
        if new is not None and self._waiting is not None:
            self._failed("this one was stopped")
            new.end()

    def run(self, author: str) -> Deferred[Succeeded]:
        """Start the new program; fires when it serves.  Fails with DirectorError, and this one goes on."""
        unconfirmed = self._unconfirmed()
        if unconfirmed is not None:
            why = f"generation {unconfirmed.number} waits to be confirmed; confirm it or undo it first"
            return fail(ChangeRefused("EBUSY", why, "upgrade"))
        if self._waiting is not None or self.successor:
            return fail(ChangeRefused("EBUSY", "an upgrade is under way; wait for it", "upgrade"))
        answers: dict[str, Answer] = {LET_GO: self._let_go, READY: self._ready, REFUSED: self._refused}
        new = self._new = Successor(self._reactor, answers, self._ended)
        waiting = self._waiting = Deferred()
        try:
            new.start(self._starting, self._parts.bequest())
        except OSError as error:
            self._waiting = self._new = None
            return fail(DirectorError(f"the new program cannot be started: {error}; this one goes on"))
        _log.info("upgrade: process {pid} is to take over (asked by {author})", pid=new.pid, author=author)
        self._late = self._reactor.callLater(STARTING, self._too_late)
        return waiting

    # -- what the new program asks and tells --

    def _let_go(self, _: Any) -> Deferred[None]:
        self._demand_waiting()
        self._left = True
        return self._parts.let_go()

    def _ready(self, told: dict[str, Any]) -> bool:
        self._demand_waiting()
        waiting, self._waiting = self._waiting, None
        self._late.cancel()
        self.successor = int(told["pid"])
        _log.info(
            "upgrade: process {pid}, version {version}, serves from now on; this one ends",
            pid=self.successor,
            version=told["version"],
        )
        self._away(self.successor)
        if waiting is not None:
            waiting.callback(Succeeded(self.successor, str(told["version"])))
        return True

    def _demand_waiting(self) -> None:
        if self._waiting is None:
            raise DirectorError("the upgrade was given up")

    def _refused(self, why: str) -> None:
        self._failed(why)

    def _ended(self, why: str) -> None:
        self._failed(why)

    def _too_late(self) -> None:
        """It drains what it has accepted, if it can."""
        new = self._new
        self._failed(f"it does not serve after {STARTING:g}s")
        if new is not None:
            new.end()
            self._reactor.callLater(LINGERING, new.end, signal.SIGKILL)

    def _failed(self, why: str) -> None:
        """This one goes on, with all that it had let go."""
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            return
        if self._late.active():
            self._late.cancel()
        left, self._left = self._left, False
        if left:
            self._parts.go_on()
        _log.error("upgrade: the new program does not take over, this one goes on: {why}", why=why)
        waiting.errback(DirectorError(f"the new program does not take over, this one goes on: {why}"))

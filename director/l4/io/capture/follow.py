"""Keep what the kernel holds at what is wanted: the rules and addresses of the plan of now.

`Capture` calls the installer, which blocks, in a thread, and never twice at a time.  Who asks while
it works waits, and finds his part done when it was done with the one before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, DeferredLock, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from director.l4.io.alarms import Troubles
from director.l4.io.capture.install import CaptureOutcome, Installer
from director.l4.io.capture.plan import CapturePlan

SETTLE = 0.2
"""Seconds between two looks that events ask for; the first comes at once."""
AT_ONCE = 0.05
"""The same for events about our own rules: without them the host answers for the virtual addresses."""
RETRY = 2.0
"""Seconds until what could not be done is tried again."""
TROUBLE = "capture"
"""Under this key `troubles` says why the virtual addresses are not the director's."""
ADDRESS = "address "
"""What the keys of troubles about one virtual address begin with; the address follows."""

Wanted = tuple[CapturePlan, list[str]]
"""The plan, and the interfaces whose frames are read."""


class Capture:
    """What one director has in the kernel of its network namespace."""

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        installer: Installer,
        wanted: Callable[[], Wanted],
        taken: Callable[[CapturePlan, CaptureOutcome], None],
        troubles: Troubles,
    ) -> None:
        """`wanted` is asked when the time has come, so it is never something of before.

        `taken` is told each plan whose packets the host's stack does not see any more, and what came of it.
        """
        self._reactor, self._installer, self._troubles = reactor, installer, troubles
        self._wanted, self._taken = wanted, taken
        self._held: Wanted | None = None
        self._lock = DeferredLock()
        self._soon: IDelayedCall | None = None
        self._looked = -SETTLE
        self._closed = False
        troubles.setdefault(TROUBLE, "virtual addresses are not captured yet")

    def follow(self) -> Deferred[None]:
        """Fires when the kernel holds what is wanted, also where somebody else has changed it meanwhile.

        It never fails: when the rules are refused, those of before stay, and `troubles` says why.
        """
        return self._lock.run(self._install)

    def look_soon(self, settle: float = SETTLE) -> None:
        """What the kernel holds may have been changed by others; several calls cost one look."""
        self._later(max(0.0, self._looked + settle - self._reactor.seconds()))

    def remove(self) -> Deferred[None]:
        """Take everything back, and install nothing any more.  Never fails; the log says what is left."""
        self._close()
        removed: Deferred[None] = self._lock.run(self._in_thread, self._installer.remove)
        return removed.addErrback(self._not_removed)

    def leave(self) -> Deferred[None]:
        """Leave everything as it is, and install nothing any more; fires when what was under way is done."""
        self._close()
        return self._lock.run(lambda: None)

    def _close(self) -> None:
        self._closed = True
        if self._soon is not None and self._soon.active():
            self._soon.cancel()

    def _later(self, seconds: float) -> None:
        """Look then, or before: never later than somebody asked for."""
        if self._closed:
            return
        if self._soon is not None and self._soon.active():
            if self._soon.getTime() <= self._reactor.seconds() + seconds:
                return
            self._soon.cancel()
        self._soon = self._reactor.callLater(seconds, self._lock.run, self._install)

    def _install(self) -> Deferred[None]:
        wanted = self._wanted()
        if self._closed:
            return succeed(None)
        self._looked = self._reactor.seconds()
        if wanted != self._held:
            return self._apply(wanted)
        looking = self._in_thread(self._installer.damage, *wanted)
        return looking.addCallbacks(self._found, self._not_installed, callbackArgs=(wanted,))

    def _found(self, damage: str | None, wanted: Wanted) -> Deferred[None] | None:
        if damage is None or self._closed:
            return None
        if damage:
            self._log.warn("{damage}", damage=damage)
        return self._apply(wanted)

    def _apply(self, wanted: Wanted) -> Deferred[None]:
        self._held = None
        installing = self._in_thread(self._installer.apply, *wanted)
        return installing.addCallbacks(self._installed, self._not_installed, callbackArgs=(wanted,))

    def _installed(self, applied: CaptureOutcome, wanted: Wanted) -> None:
        self._held = wanted
        self._taken(wanted[0], applied)
        self._troubles.over(TROUBLE)
        for key in [one for one in self._troubles if one.startswith(ADDRESS)]:
            if key.removeprefix(ADDRESS) not in applied.problems:
                self._troubles.over(key)
        for address, why in applied.problems.items():
            self._troubles[ADDRESS + address] = f"virtual address {address} {why}"
        if applied.problems:
            self._later(RETRY)

    def _not_installed(self, failure: Failure) -> None:
        self._troubles[TROUBLE] = f"virtual addresses are not captured: {failure.getErrorMessage()}"
        self._later(RETRY)

    def _not_removed(self, failure: Failure) -> None:
        self._log.error("not all could be removed: {why}", why=failure.getErrorMessage())

    def _in_thread(self, work: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
        return deferToThreadPool(self._reactor, self._reactor.getThreadPool(), work, *arguments)

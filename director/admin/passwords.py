"""Whether a password is a user's: argon2 (RFC 9106) in a thread, few at a time, and the same for nobody.

One look takes 64 MiB and some tens of milliseconds, as the hash says that `director passwd` makes.  So
`AT_ONCE` are made at a time and `WAITING` may wait; more are refused until there is room.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.logger import Logger

from director.admin.answers import Refusal

AT_ONCE = 2
WAITING = 16
NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$bm9ib2R5J3Mgc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
"""Looked at for a user who is not there, so that the time does not tell names."""

Look = Callable[[str, str], bool]
InThread = Callable[[Callable[[], bool]], Deferred[bool]]
"""Does something off the loop."""

_log = Logger()


def fits(hashed: str, password: str) -> bool:
    """Whether that is the password; blocks."""
    try:
        return PasswordHasher().verify(hashed, password)
    except InvalidHashError:
        _log.error("a password of [user:…] in the configuration is no argon2 hash; make one: director passwd")
        return False
    except Argon2Error:
        return False


class PasswordCheck:
    """Looks at passwords for one admin."""

    def __init__(self, in_thread: InThread, look: Look = fits) -> None:
        self._in_thread = in_thread
        self._look = look
        self._room = DeferredSemaphore(AT_ONCE)
        self._waiting = 0

    def check(self, hashed: str, password: str) -> Deferred[bool]:
        """Fires with whether it fits.  Raises Refusal (503) when too many wait already."""
        if self._waiting >= AT_ONCE + WAITING:
            text = "many sign in at once; try again in a moment"
            raise Refusal(503, text, "password", (("Retry-After", "2"),))
        self._waiting += 1
        work = partial(self._look, hashed or NOBODY, password)
        looked: Deferred[bool] = self._room.run(self._in_thread, work)
        return looked.addBoth(self._done)

    def _done(self, result: Any) -> Any:
        self._waiting -= 1
        return result

"""Who may come in: comparison of secrets, browser sessions, and the brake on wrong log-ins.

Pure: ids come from a function that is passed in, time as monotonic seconds.  Tables are
bounded; what is dropped when they are full is said at each.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable

from attrs import define, field

from director.admin.accounts import Standing

SESSIONS = 64
"""Sessions kept; the one used longest ago is dropped for a new one."""
IDLE_SECONDS = 3600.0
ABSOLUTE_SECONDS = 12 * 3600.0
LINK_SECONDS = 600.0
"""How long a sign-in link waits for somebody to follow it."""
LINKS = 16
"""Sign-in links that wait at once."""
FAILURES = 10
"""Wrong log-ins an address may make at once; then one more each `REFILL_SECONDS`."""
REFILL_SECONDS = 6.0
ADDRESSES = 1024
"""Addresses the brake remembers; the one seen longest ago is forgotten."""


def same(given: str, expected: str) -> bool:
    """Compare two secrets in a time that does not tell where they differ, nor how long they are."""
    return hmac.compare_digest(digest(given), digest(expected))


def digest(secret: str) -> bytes:
    """SHA-256 of a secret, so that tables need not hold it."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


@define
class Session:
    """One signed-in browser; `csrf` must come back with every write it makes.

    `standing` is how its user was known when it began, `address` where it came from then.
    """

    identifier: str = field(repr=False)
    csrf: str = field(repr=False)
    standing: Standing
    opened: float
    used: float
    address: str = ""

    @property
    def shown(self) -> str:
        """Names it to people; it opens nothing."""
        return digest(self.identifier).hex()[:12]


class Sessions:
    """All sessions of this process; none survives a restart."""

    def __init__(self, make_id: Callable[[], str]) -> None:
        self._make_id = make_id
        self._by_digest: OrderedDict[bytes, Session] = OrderedDict()
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._by_digest)

    def open(self, standing: Standing, now: float, address: str = "") -> Session:
        """A new session with a new id."""
        while len(self._by_digest) >= SESSIONS:
            self._by_digest.popitem(last=False)
            self.dropped += 1
        session = Session(self._make_id(), self._make_id(), standing, now, now, address)
        self._by_digest[digest(session.identifier)] = session
        return session

    def find(self, identifier: str, now: float) -> Session | None:
        """The live session of that id, marked as used now; None when unknown or expired."""
        key = digest(identifier)
        session = self._by_digest.get(key)
        if session is None:
            return None
        if _over(session, now):
            del self._by_digest[key]
            return None
        session.used = now
        self._by_digest.move_to_end(key)
        return session

    def living(self, now: float) -> list[Session]:
        """All that are not over, the one used last at the end."""
        return [session for session in self._by_digest.values() if not _over(session, now)]

    def close(self, identifier: str) -> None:
        """Sign out; an unknown id is ignored."""
        self._by_digest.pop(digest(identifier), None)

    def clear(self) -> None:
        """Sign everybody out."""
        self._by_digest.clear()


def _over(session: Session, now: float) -> bool:
    return now - session.used > IDLE_SECONDS or now - session.opened > ABSOLUTE_SECONDS


class Links:
    """Secrets of sign-in links: each is good once and for `LINK_SECONDS`.

    A link stands in terminals, journals and histories of browsers, so it must be worth nothing there.
    """

    def __init__(self, make_id: Callable[[], str]) -> None:
        self._make_id = make_id
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._until)

    def make(self, now: float) -> str:
        """A new secret; of more than `LINKS`, the oldest is dropped."""
        while len(self._until) >= LINKS:
            self._until.popitem(last=False)
        secret = self._make_id()
        self._until[digest(secret)] = now + LINK_SECONDS
        return secret

    def take(self, secret: str, now: float) -> bool:
        """Whether it is good; from then on it is not."""
        until = self._until.pop(digest(secret), None)
        return until is not None and now <= until

    def clear(self) -> None:
        """No link that was made before is good any more."""
        self._until.clear()


class Throttle:
    """A brake for wrong log-ins, one token bucket per address.

    It slows guessing and keeps the log quiet.  It never refuses the right token: 256 random bits are
    not found by trying, and an attacker on the same address must not lock the operator out.  Passwords can
    be found by trying: each is counted before it is looked at, and forgiven when it was right.
    """

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self.refused = 0

    def __len__(self) -> int:
        return len(self._buckets)

    def failed(self, address: str, now: float) -> float:
        """Count a wrong log-in; returns 0 when there is room, else the seconds to wait (answer 429)."""
        room, then = self._buckets.pop(address, (float(FAILURES), now))
        room = min(float(FAILURES), room + (now - then) / REFILL_SECONDS)
        wait = 0.0 if room >= 1.0 else (1.0 - room) * REFILL_SECONDS
        if wait:
            self.refused += 1
        else:
            room -= 1.0
        self._buckets[address] = (room, now)
        if len(self._buckets) > ADDRESSES:
            self._buckets.popitem(last=False)
        return wait

    def forgive(self, address: str) -> None:
        """What was counted last was right."""
        if address in self._buckets:
            room, then = self._buckets[address]
            self._buckets[address] = (min(float(FAILURES), room + 1.0), then)

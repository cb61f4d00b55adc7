"""Records gathered into messages, and the messages that wait to be sent (`lvs-semantics` J.4, end)."""

from __future__ import annotations

from collections import Counter, deque
from types import ModuleType

from director.model.synced import SyncedConnection
from director.sync import version0, version1

AGE = 2.0
"""Seconds after which a message goes out that is not full."""
FORMATS: dict[int, ModuleType] = {0: version0, 1: version1}


class Outbox:
    """What one port of a master sends.

    `maxlen` are the octets of a message, but one record always fits; `limit` messages wait at most, more are
    dropped.  `counters` are `told`, `sent_messages`, `dropped_messages` and `untold`: what this version has
    no way to tell.
    """

    def __init__(self, syncid: int, maxlen: int, limit: int, version: int) -> None:
        self.limit = limit
        self.counters: Counter[str] = Counter()
        self._syncid, self._maxlen = syncid, maxlen
        self._format = FORMATS[version]
        self._records: list[bytes] = []
        self._size = self._header = self._format.HEADER.size
        self._since = 0.0
        self._ready: deque[bytes] = deque()

    @property
    def waiting(self) -> int:
        """Messages that can be sent."""
        return len(self._ready)

    def add(self, told: SyncedConnection, now: float) -> None:
        """One more record."""
        record: bytes | None = self._format.record(told)
        if record is None:
            self.counters["untold"] += 1
            return
        size = -self._size % 4 + len(record)
        if self._records and (
            self._size + size > self._maxlen or len(self._records) == self._format.MOST_RECORDS
        ):
            self._close()
            size = len(record)
        if not self._records:
            self._since = now
        self._records.append(record)
        self._size += size
        self.counters["told"] += 1

    def tick(self, now: float) -> None:
        """Time passes: what is older than `AGE` can be sent."""
        if self._records and now - self._since >= AGE:
            self._close()

    def close(self) -> None:
        """All that is there can be sent."""
        if self._records:
            self._close()

    def take(self) -> bytes | None:
        """The next message to send."""
        if not self._ready:
            return None
        self.counters["sent_messages"] += 1
        return self._ready.popleft()

    def _close(self) -> None:
        text: bytes = self._format.message(self._records, self._syncid)
        if len(self._ready) >= self.limit:
            self.counters["dropped_messages"] += 1
        else:
            self._ready.append(text)
        self._records, self._size = [], self._header

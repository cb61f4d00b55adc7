"""The ledger: every request has a unique id and a body of known digest, and ends in exactly one way.

`Ledger` sends requests open loop at a fixed rate (a slow answer never slows the next request down).  An
origin (`tests.support.origin`) answers with the id and the digest it saw and writes its ids down.  Then
LOST = broken + clean errors that the test does not allow; DUP = ids of non-idempotent requests that reached
origins more than once; CROSS = answers that carry another id, which is never allowed.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from attrs import define, field, frozen

from tests.support.client import Place, RawClient
from tests.support.running import wait_until
from tests.support.strict import Message

# No answer in this time is broken (hardening.md section 2).
PATIENCE = 10.0
WORKERS = 200


@frozen
class Entry:
    """How one request ended: `OK`, `clean` (a well-formed answer with another status) or `broken`."""

    id: str
    method: str
    outcome: str
    status: int = 0
    why: str = ""
    began: float = 0.0
    took: float = 0.0
    crossed: bool = False


@define
class Ledger:
    """The client.

    `methods` are drawn at random (seeded); a POST carries `body_size` bytes of its own.
    """

    place: Place
    rate: float = 100.0
    methods: tuple[str, ...] = ("GET", "POST")
    body_size: int = 2000
    target: str = "/ledger"
    entries: list[Entry] = field(factory=list)
    _random: random.Random = field(factory=lambda: random.Random(2))
    _lock: threading.Lock = field(factory=threading.Lock)

    @contextmanager
    def running(self) -> Iterator[Ledger]:
        """Send at the rate while the body of the `with` runs; at its end wait for all answers."""
        stop = threading.Event()
        with ThreadPoolExecutor(WORKERS) as pool:
            clock = threading.Thread(target=self._tick, args=(stop, pool))
            clock.start()
            try:
                yield self
            finally:
                stop.set()
                clock.join()

    def more(self, count: int) -> None:
        """Wait until `count` more requests have ended; fails when they do not in three times their time."""
        goal = len(self.entries) + count
        patience = PATIENCE + 3 * count / self.rate
        assert wait_until(lambda: len(self.entries) >= goal, patience), f"the load has stopped: {self.sums}"

    def _tick(self, stop: threading.Event, pool: ThreadPoolExecutor) -> None:
        due, number = time.monotonic(), 0
        while not stop.wait(max(0.0, due - time.monotonic())):
            method = self._random.choice(self.methods)
            body = self._random.randbytes(self.body_size) if method == "POST" else b""
            pool.submit(self._one, f"{self.target[1:]}-{number}", method, body)
            due, number = due + 1 / self.rate, number + 1

    def _one(self, ident: str, method: str, body: bytes) -> None:
        began = time.monotonic()
        try:
            entry = self._exchange(ident, method, body)
        except OSError as error:
            entry = Entry(ident, method, "broken", why=str(error))
        entry = Entry(
            entry.id,
            method,
            entry.outcome,
            entry.status,
            entry.why,
            began,
            time.monotonic() - began,
            entry.crossed,
        )
        with self._lock:
            self.entries.append(entry)

    def _exchange(self, ident: str, method: str, body: bytes) -> Entry:
        length = f"Content-Length: {len(body)}\r\n" if method == "POST" else ""
        head = f"{method} {self.target} HTTP/1.1\r\nHost: ledger.example\r\nX-Id: {ident}\r\n"
        head += f"Connection: close\r\n{length}\r\n"
        with RawClient(self.place, patience=PATIENCE) as client:
            client.ask(head.encode() + body)
            client.wait(1)
        if not client.answers:
            return Entry(
                ident,
                method,
                "broken",
                why=client.malformed or client.ended or "no answer in time",
            )
        return judged(ident, method, body, client.answers[0])

    # --- the sums ---------------------------------------------------------------------------------

    def lost(self, *allowed: int) -> list[Entry]:
        """Requests that came to no good end; clean answers with an `allowed` status are none."""
        return [
            e
            for e in self.entries
            if e.outcome == "broken" or (e.outcome == "clean" and e.status not in allowed)
        ]

    @property
    def crossed(self) -> list[Entry]:
        """Answers with the id of another request."""
        return [entry for entry in self.entries if entry.crossed]

    @property
    def sums(self) -> Counter[str]:
        """How many ended how, for messages."""
        return Counter(f"{entry.outcome} {entry.status or entry.why}" for entry in self.entries)

    def after(self, moment: float) -> list[Entry]:
        """Entries of requests that began after `moment` (monotonic seconds)."""
        return [entry for entry in self.entries if entry.began > moment]


def judged(ident: str, method: str, body: bytes, answer: Message) -> Entry:
    """The entry for a complete answer."""
    theirs = answer.value(b"x-id").decode("latin-1")
    if theirs and theirs != ident:
        return Entry(ident, method, "broken", answer.status, f"answer to {theirs}", crossed=True)
    if answer.status != 200:
        return Entry(ident, method, "clean", answer.status)
    digest = answer.value(b"x-seen-sha256").decode("latin-1")
    if theirs != ident or digest != hashlib.sha256(body).hexdigest():
        return Entry(ident, method, "broken", 200, "wrong bytes")
    return Entry(ident, method, "OK", 200)


def duplicates(seen: Iterable[tuple[str, str]]) -> list[str]:
    """Ids of POST requests that reached origins more than once; `seen` holds (id, method)."""
    return [ident for (ident, method), count in Counter(seen).items() if method == "POST" and count > 1]

"""Real processes that claim at a real mapping, as the director's would, and obey a parent's words."""

from __future__ import annotations

import os
import pickle
import signal
import struct
import traceback
from random import Random
from typing import Any

from director.registry import ledger
from director.registry.books import MappedBooks
from director.registry.io.segment import Segment
from director.registry.ledger import Lease
from director.registry.registry import Registry
from director.registry.selection import select
from tests.support.registries import KEY, FirstFit

_LENGTH = struct.Struct("I")


class Worker:
    """One child process with a column of its own.  `tell` gives an order, `told` waits for its answer."""

    def __init__(self, segment: Segment, column: int) -> None:
        self.column = column
        orders, self._orders = os.pipe()
        self._answers, answers = os.pipe()
        self.process = os.fork()
        if self.process == 0:
            # The child: whatever happens, it must not come back into the tests.
            try:
                os.close(self._orders)
                Inside(segment, column, orders, answers).run()
            except BaseException:  # noqa: BLE001 - told to the parent by its end
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        os.close(orders)
        os.close(answers)

    def tell(self, *order: Any) -> None:
        """Give an order."""
        _write(self._orders, order)

    def told(self) -> Any:
        """The next answer.  Raises EOFError when the process is dead."""
        return _read(self._answers)

    def kill(self, kind: int = signal.SIGKILL) -> None:
        """Send a signal; after SIGKILL the process is waited for."""
        os.kill(self.process, kind)
        if kind == signal.SIGKILL:
            self.wait()

    def wait(self) -> int:
        """Wait for its end and close the pipes; returns the exit status."""
        _process, status = os.waitpid(self.process, 0)
        os.close(self._orders)
        os.close(self._answers)
        return status


class Inside:
    """What a worker does in its own process."""

    def __init__(self, segment: Segment, column: int, orders: int, answers: int) -> None:
        self.books = MappedBooks(segment.table(column))
        self.registry = Registry(FirstFit, self.books)
        self.leases: list[Lease] = []
        self.places = 0
        self.random = Random(column)
        self._orders, self._answers = orders, answers

    def run(self) -> None:
        """Obey until told to end."""
        while True:
            word, *facts = _read(self._orders)
            if word == "end":
                return
            _write(self._answers, getattr(self, word)(*facts))

    def change(self, news: Any, changes: Any) -> None:
        """Take changes."""
        self.books.learn(news)
        self.registry.apply(changes, "test", 0.0, 0.0)

    def claim(self, count: int) -> int:
        """Claim until it is refused, or has so many more; answers how many it got."""
        before = len(self.leases)
        while len(self.leases) - before < count and self._one():
            pass
        return len(self.leases) - before

    def burst(self, steps: int) -> int:
        """Claim and release by chance; answers how often a server had more than its `max`."""
        passed = 0
        for _ in range(steps):
            if self.random.random() < 0.5:
                lease = self._one()
                passed += lease is not None and 0 < lease.server.max < lease.server.load
            elif self.leases:
                self.leases.pop(self.random.randrange(len(self.leases))).release()
            if self.random.random() < 0.1 and ledger.take_place(self._pool):
                self.places += 1
            elif self.places:
                ledger.leave_place(self._pool)
                self.places -= 1
            passed += self._pool.waiting > self._pool.config.queue.length
        return passed

    def release(self) -> None:
        """Give everything back."""
        while self.leases:
            self.leases.pop().release()
        while self.places:
            ledger.leave_place(self._pool)
            self.places -= 1
        self.books.tick()

    @property
    def _pool(self) -> Any:
        return self.registry.pools["web"]

    def _one(self) -> Lease | None:
        lease = select(self.registry, self._pool, "l7:www", KEY, 0.0)
        if lease is not None:
            self.leases.append(lease)
        return lease


def _write(descriptor: int, value: Any) -> None:
    data = pickle.dumps(value)
    os.write(descriptor, _LENGTH.pack(len(data)) + data)


def _read(descriptor: int) -> Any:
    (length,) = _LENGTH.unpack(_exactly(descriptor, _LENGTH.size))
    return pickle.loads(_exactly(descriptor, length))


def _exactly(descriptor: int, length: int) -> bytes:
    data = b""
    while len(data) < length:
        more = os.read(descriptor, length - len(data))
        if not more:
            raise EOFError
        data += more
    return data

"""Orders of operators in the running program: over each configuration, across restarts (composition).

`service` asks at start, at each change and at each reload; what is remembered is `store.overlay`'s business,
how it is kept `store.io.file`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from director.errors import StoreError
from director.model.settings import Configuration
from director.registry.changes import Change
from director.registry.registry import Registry
from director.store.io.file import OrdersFile
from director.store.overlay import Order, Overlay, Place

_log = Logger(namespace="director")


class Orders:
    """The overlay of one director and the file that keeps it."""

    def __init__(self, state_dir: Path, reactor: Any) -> None:
        self._file = OrdersFile(state_dir)
        self._overlay = Overlay()
        self._reactor = reactor

    def read(self) -> None:
        """Take up the orders of the last run; without usable ones the configuration alone counts."""
        try:
            self._overlay = Overlay(self._file.read())
        except StoreError as error:
            _log.error("{why}; every server begins as the configuration says", why=str(error))

    def all(self) -> dict[Place, Order]:
        """What commands changed, by pool and server."""
        return self._overlay.orders()

    def over(self, read: Configuration) -> tuple[Configuration, dict[Place, str]]:
        """`read` with the orders laid over it, and why which of them no longer apply."""
        return self._overlay.over(read)

    def unfulfilled(self, desired: Configuration, registry: Registry) -> Iterator[Change]:
        """The ordered states that servers of `desired` are not in, or that are not there yet."""
        addresses = {
            (pool.name, one.name): str(one.address) for pool in desired.pools for one in pool.servers
        }
        for change in self._overlay.states(desired):
            pool = registry.pools.get(change.pool)
            server = pool.server(change.name) if pool is not None else None
            if (
                server is None
                or server.state is not change.state
                or server.key != addresses[change.pool, change.name]
            ):
                yield change

    def settle(self, read: Configuration, stale: dict[Place, str]) -> None:
        """`read` runs now; say which orders went."""
        self._overlay.settle(read, stale)
        self.keep()
        for sentence in stale.values():
            _log.warn("an earlier order no longer applies and is dropped: {what}", what=sentence)

    def note(self, changes: Iterable[Change]) -> None:
        """Remember what commands changed."""
        self._overlay.note(changes)
        self.keep()

    def keep(self) -> None:
        """Let the orders outlive the process at once, and a power cut soon."""
        if not self._file.keep(self._overlay.orders()):
            return
        if self._file.failed:
            _log.error(
                "orders hold until a restart only, they cannot be kept: {why}; make room, it is tried again",
                why=self._file.failed,
            )
        else:
            pool = self._reactor.getThreadPool()
            deferToThreadPool(self._reactor, pool, self._file.sync).addErrback(self._not_synced)

    def sweep(self) -> None:
        """Try again what failed; call it every minute."""
        if self._file.failed:
            self.keep()

    @staticmethod
    def _not_synced(failure: Failure) -> None:
        _log.warn("orders may not outlive a power cut: {why}", why=failure.getErrorMessage())

"""Both ends of synchronisation as the settings say, beside one forwarder.

An end whose interface is not there is a trouble, said once, and is tried again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from director.l4.forwarder import Forwarder
from director.l4.synced import Replicas
from director.model.virtual import L4Settings, SyncDaemon
from director.sync.io.backup import Backup
from director.sync.io.master import Master

TICK = 0.25
"""Seconds between two looks at what waits."""
AGAIN = 1.0
"""Seconds until an end that could not be opened is tried again."""
T = TypeVar("T")
_log = Logger(namespace="director.l4")


class Synchronisation:
    """The master and the backup of one director.

    Attributes:
        troubles: why an end that is asked for does not run, by its role.
    """

    def __init__(
        self, reactor: Any, forwarder: Forwarder, hear: Callable[[Callable[..., None] | None], None]
    ) -> None:
        """`hear` lets a callable know of each packet of a client that takes the hot path; None ends it."""
        self.troubles: dict[str, str] = {}
        self._reactor, self._forwarder, self._hear = reactor, forwarder, hear
        self._settings = L4Settings()
        self._replicas = Replicas(forwarder.table, forwarder.services, forwarder.states, self._settings)
        self._master: Master | None = None
        self._backup: Backup | None = None
        self._counters: Counter[str] = Counter()
        self._next_try = 0.0
        self._loop = LoopingCall(self._tick)
        self._loop.clock = reactor

    def configure(self, settings: L4Settings) -> None:
        """Run the ends that `settings` ask for; what stays the same goes on."""
        before, self._settings = self._settings, settings
        self._replicas.configure(settings)
        if _of_master(before) != _of_master(settings):
            self._end_master()
        elif self._master is not None:
            self._master.configure(settings)
        if _of_backup(before) != _of_backup(settings):
            self._end_backup()
        self._open()
        wanted = settings.sync_master is not None or settings.sync_backup is not None
        if wanted and not self._loop.running:
            self._loop.start(TICK, now=False)
        elif not wanted and self._loop.running:
            self._loop.stop()

    def follow(self) -> None:
        """The registry changed: what had no server may have one now."""
        self._counters["made"] += self._replicas.follow(self._reactor.seconds())

    def _open(self) -> None:
        settings, reactor = self._settings, self._reactor
        self._next_try = reactor.seconds() + AGAIN
        master, backup = settings.sync_master, settings.sync_backup
        if master is not None and self._master is None:
            self._master = self._tried("master", master, lambda daemon: Master(reactor, daemon, settings))
            if self._master is not None:
                self._forwarder.synchronise(self._master.packet, self._master.put_off)
                self._hear(self._master.packet)
        if backup is not None and self._backup is None:
            self._backup = self._tried(
                "backup",
                backup,
                lambda daemon: Backup(reactor, reactor.seconds, daemon, settings.sync_ports, self._replicas),
            )
        self._forwarder.backup = self._backup is not None

    def _tried(self, role: str, daemon: SyncDaemon, make: Callable[[SyncDaemon], T]) -> T | None:
        """What `make` gives, or None when the interface or the group cannot be used now."""
        try:
            made = make(daemon)
        except OSError as error:
            why = (
                f"the {role} of synchronisation does not run on {daemon}: {error.strerror}; it is tried again"
            )
            if self.troubles.get(role) != why:
                _log.warn("layer 4: {why}", why=why)
            self.troubles[role] = why
            return None
        self.troubles.pop(role, None)
        _log.info("layer 4: the {role} of synchronisation runs on {daemon}", role=role, daemon=str(daemon))
        return made

    def _end_master(self) -> None:
        self.troubles.pop("master", None)
        if self._master is None:
            return
        self._forwarder.synchronise(None, None)
        self._hear(None)
        self._master.close()
        self._counters += self._master.counters()
        self._master = None
        _log.info("layer 4: the master of synchronisation has ended")

    def _end_backup(self) -> None:
        self.troubles.pop("backup", None)
        if self._backup is None:
            return
        self._backup.close()
        self._counters += self._backup.counters
        self._backup = None
        _log.info("layer 4: the backup of synchronisation has ended")

    def _tick(self) -> None:
        now = self._reactor.seconds()
        if self._master is not None:
            self._master.tick(now)
        self._replicas.tick(now)
        if self.troubles and now >= self._next_try:
            self._open()

    def counters(self) -> Iterator[tuple[str, int]]:
        """Everything that was told and learnt, by name."""
        found = self._counters.copy()
        if self._master is not None:
            found += self._master.counters()
        if self._backup is not None:
            found += self._backup.counters
        for name, count in found.items():
            yield f"sync_{name}", count
        if self._replicas.homeless:
            yield "sync_waiting_for_a_server", len(self._replicas.homeless)

    def close(self) -> None:
        """Both ends end; what waits is sent."""
        if self._loop.running:
            self._loop.stop()
        self._end_master()
        self._end_backup()


def _of_master(settings: L4Settings) -> tuple[SyncDaemon | None, int, int, int]:
    """What a master cannot change while it runs."""
    return settings.sync_master, settings.sync_ports, settings.sync_version, settings.sync_qlen_max


def _of_backup(settings: L4Settings) -> tuple[SyncDaemon | None, int]:
    return settings.sync_backup, settings.sync_ports

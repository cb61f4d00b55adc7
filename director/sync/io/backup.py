"""The backup: what another director tells becomes flows and templates here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IListeningPort
from twisted.internet.protocol import DatagramProtocol

from director.errors import PacketError
from director.l4.synced import Replicas
from director.model.virtual import SyncDaemon
from director.sync import message
from director.sync.io import sockets


class Backup(DatagramProtocol):
    """Takes in the datagrams of masters; `counters` say what became of what they tell."""

    noisy = False

    def __init__(
        self, reactor: Any, clock: Callable[[], float], daemon: SyncDaemon, ports: int, replicas: Replicas
    ) -> None:
        """Raises OSError when its interface or group cannot be used."""
        self.counters: Counter[str] = Counter()
        self._clock, self._syncid, self._replicas = clock, daemon.syncid, replicas
        self._listening: list[IListeningPort] = []
        try:
            for index in range(ports):
                with sockets.receiver(daemon, index) as opened:
                    self._listening.append(
                        reactor.adoptDatagramPort(
                            opened.fileno(), opened.family, self, maxPacketSize=sockets.LARGEST
                        )
                    )
        except OSError:
            self.close()
            raise

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        """Every octet is a stranger's: what cannot be read is counted and changes nothing."""
        now = self._clock()
        self.counters["received_messages"] += 1
        try:
            for told in message.read(datagram, self._syncid):
                self.counters[self._replicas.take(told, now)] += 1
        except PacketError as error:
            self.counters[error.reason.removeprefix("sync_")] += 1

    def close(self) -> None:
        """Hear nothing more."""
        for one in self._listening:
            one.stopListening()
        self._listening = []

"""The master: flows that are worth telling of become records, records messages, messages datagrams."""

from __future__ import annotations

import socket
from collections import Counter
from typing import Any
from zlib import crc32

from twisted.internet.interfaces import IDelayedCall

from director.l4 import synced
from director.l4.flows import Entry, Flow, Template
from director.model.virtual import L4Settings, SyncDaemon
from director.sync import policy
from director.sync.io import sockets
from director.sync.outbox import Outbox
from director.sync.policy import NEVER, About, SyncPolicy

SOON = 0.02
"""Seconds that a message waits for others before it is sent."""
AT_ONCE = 8
"""Messages that do not wait any longer."""


class Master:
    """Tells other directors of this one's flows.

    `packet` is called for each packet of a client, `tick` a few times a second.
    """

    def __init__(self, reactor: Any, daemon: SyncDaemon, settings: L4Settings) -> None:
        """Raises OSError when its interface or group cannot be used."""
        self._reactor = reactor
        self._opened: list[socket.socket] = []
        self._outboxes: list[Outbox] = []
        self._timer: IDelayedCall | None = None
        self._unsent = 0
        try:
            for index in range(settings.sync_ports):
                self._opened.append(sockets.sender(daemon, index))
        except OSError:
            self.close()
            raise
        self._outboxes = [
            Outbox(daemon.syncid, sockets.room(daemon), settings.sync_qlen_max, settings.sync_version)
            for _ in self._opened
        ]
        self.configure(settings)

    def configure(self, settings: L4Settings) -> None:
        """Other thresholds count from now on."""
        threshold, period = settings.sync_threshold
        self._threshold = threshold
        self._policy = SyncPolicy(
            threshold, period, settings.sync_refresh_period, settings.sync_retries,
            bool(settings.sync_persist_mode),
        )  # fmt: skip

    def packet(self, flow: Flow, now: float) -> None:
        """A packet of a client was counted; what its flow belongs to may be told as well."""
        entry: Entry = flow
        packets = self._threshold if flow.one_packet else flow.in_pkts
        if not flow.one_packet:
            self._consider(flow, packets, now)
        while entry.control is not None:
            entry = entry.control
            entry.in_pkts += isinstance(entry, Template)
            packets = entry.in_pkts if isinstance(entry, Template) else self._threshold
            self._consider(entry, packets, now)

    def put_off(self, entry: Entry, now: float) -> None:
        """An entry would have ended, and lives on for what it controls (C.2)."""
        self._consider(entry, self._threshold, now)

    def _consider(self, entry: Entry, packets: int, now: float) -> None:
        chosen = policy.decide(self._policy, _about(entry), packets, entry.told or NEVER, now)
        if chosen is None:
            return
        entry.told = chosen
        told = synced.told(entry)
        if told is None:
            self._unsent += 1
            return
        # Order is kept within a connection: all that is told of it goes by one port.
        index = crc32(told.client + told.cport.to_bytes(2, "big")) % len(self._outboxes)
        outbox = self._outboxes[index]
        outbox.add(told, now)
        if outbox.waiting >= AT_ONCE:
            self._send()
        elif outbox.waiting:
            self._send_soon()

    def _send_soon(self) -> None:
        if self._timer is None:
            self._timer = self._reactor.callLater(SOON, self._send_later)

    def _send_later(self) -> None:
        self._timer = None
        self._send()

    def tick(self, now: float) -> None:
        """Time passes: messages go out that are not full."""
        for outbox in self._outboxes:
            outbox.tick(now)
        self._send()

    def _send(self) -> None:
        for outbox, opened in zip(self._outboxes, self._opened, strict=False):
            while (message := outbox.take()) is not None:
                try:
                    opened.send(message)
                except OSError:
                    # The network is full or away; what is told next is newer anyway.
                    outbox.counters["lost_messages"] += 1

    def counters(self) -> Counter[str]:
        """What was told, sent and lost."""
        found = Counter({"untold": self._unsent})
        for outbox in self._outboxes:
            found.update(outbox.counters)
        return found

    def close(self) -> None:
        """Send what is left, and end."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for outbox in self._outboxes:
            outbox.close()
        self._send()
        for opened in self._opened:
            opened.close()
        self._opened = []


def _about(entry: Entry) -> About:
    if isinstance(entry, Template):
        return About(entry.fields.protocol, 0, entry.timeout, template=True)
    assert isinstance(entry, Flow)  # noqa: S101 - the table holds nothing else
    return About(entry.protocol, entry.state, entry.timeout, placed=isinstance(entry.control, Template))

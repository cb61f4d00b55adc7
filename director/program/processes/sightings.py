"""What a worker sees of servers, on its way to the control process, which judges it (passive checks).

Failures go out within `SOON` seconds, in one piece, so that a server that breaks under load costs a message
and not one for each request; how much went well, and how fast, goes along once a second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from director.registry.registry import RealServer, Registry
from director.registry.watch import NOTHING

SOON = 0.05
"""Seconds that a failure waits for others."""
EVERY = 1.0
"""Seconds between two messages of what went well."""
MOST = 1000
"""Entries of one message; more are dropped and counted: the first thousand say enough."""


class Sightings:
    """Those of one worker.

    Args:
        tell: takes a word and what is said, for the control process.

    Attributes:
        dropped: entries that there was no room for.
    """

    def __init__(self, registry: Registry, reactor: Any, tell: Callable[[str, Any], object]) -> None:
        self.dropped = 0
        self._registry = registry
        self._reactor = reactor
        self._tell = tell
        self._saw: list[list[Any]] = []

    def saw(self, server: RealServer, word: str) -> None:
        """Work on a server failed, or went well again."""
        if not self._saw:
            self._reactor.callLater(SOON, self._send, [])
        what = [server.pool.name, server.key, word]
        if self._saw and self._saw[-1][:3] == what:
            self._saw[-1][3] += 1
        elif len(self._saw) < MOST:
            self._saw.append([*what, 1])
        else:
            self.dropped += 1

    def look(self) -> None:
        """Send what went well; call it every `EVERY` seconds."""
        samples = []
        for pool in self._registry.pools.values():
            for server in pool.servers if pool.config.eject is not None else ():
                sample = server.watch.take() if server.watch is not None else NOTHING
                if sample != NOTHING:
                    samples.append([pool.name, server.key, list(sample)])
        if samples:
            self._send(samples)

    def _send(self, samples: list[Any]) -> None:
        saw, self._saw = self._saw, []
        if saw or samples:
            self._tell("work", {"saw": saw, "samples": samples})

"""A packet shell that has no sockets: it remembers what it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from twisted.internet.defer import Deferred, succeed

from director.l4.flows import Flow
from director.l4.io.alarms import Troubles
from director.l4.io.capture.plan import Endpoint
from director.l4.io.probe import Lacking
from director.model.pools import Pool
from director.model.virtual import L4Service, L4Settings, Mark
from tests.support.layer4_world import routing


class Shell:
    """Remembers what it is told."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.settings: L4Settings = named["settings"]
        self.lacking: Lacking | None = None
        self.troubles = Troubles(arguments[1])
        self.tell: Callable[[Any], None] = named["tell"]
        self.marks: tuple[Mark, ...] = ()
        self.view: Any = None
        self.started = self.stopped = 0
        self.reloads: list[tuple[tuple[L4Service, ...], list[str], tuple[Endpoint, ...]]] = []

        self.forwarder: Callable[[Any, Any], Any] = named["forwarder"]
        self.installed: Deferred[None] = Deferred()
        self.prepared: list[object] = []
        self.owed: tuple[Endpoint, ...] = ()
        self.handed_over = False

    def startService(self) -> None:
        self.started += 1
        self.forwarder(routing(), Flow.stale)

    def prepare(
        self, services: Iterable[L4Service], pools: Mapping[str, Pool], marks: Iterable[Mark]
    ) -> Deferred[None]:
        self.prepared.append((tuple(services), sorted(pools), [one.mark for one in marks]))
        return self.installed

    def stopService(self) -> Deferred[None]:
        self.stopped += 1
        return succeed(None)

    def reload(
        self,
        services: Iterable[L4Service],
        pools: Mapping[str, Pool],
        keep: Iterable[Endpoint],
        owed: Iterable[Endpoint],
    ) -> Deferred[None]:
        self.reloads.append((tuple(services), sorted(pools), tuple(keep)))
        self.owed = tuple(owed)
        return self.installed

    def counters(self) -> dict[str, int]:
        return {"drop_land": 1, "drop_no_interface": 2, "d0_received": 3}

    def hand_over(self) -> Deferred[None]:
        self.handed_over = True
        return succeed(None)

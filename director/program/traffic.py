"""What the admin may ask of both layers, whether they run in this process or in others (composition)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from director.caches import CacheFigures
from director.l7.routing.service import CompiledService
from director.model.drills import RunningFault
from director.registry.reports import (
    ConnectionPage,
    ConnectionQuery,
    ListenerState,
    PacketFigures,
    WorkerFigures,
)

TraceRecord = Mapping[str, Any]
"""See `admin.control`."""


class InjectingView(Protocol):
    """A layer, as those see it who inject faults."""

    def said(self, name: str) -> Sequence[Any]:
        """`faults`: what each other process says of those that run there (`TimedInjections.counts`)."""

    def learn_from(self, injected: Callable[[], Sequence[RunningFault]]) -> None:
        """Ask there for the faults that run, for a process that begins later."""

    def inject(self, faults: Sequence[RunningFault]) -> Deferred[None] | None:
        """Let other processes inject these, too; fires when all do."""

    def heal(self, names: Sequence[str]) -> Deferred[None] | None:
        """Let other processes end these."""


class OneProcess:
    """A layer that has no other process: faults are laid on the servers of this one already, or gone."""

    def said(self, name: str) -> Sequence[Any]:
        """Nobody else says anything."""
        return ()

    def learn_from(self, injected: Callable[[], Sequence[RunningFault]]) -> None:
        """No process begins later."""

    def inject(self, faults: Sequence[RunningFault]) -> None:
        """There is nobody to tell."""

    def heal(self, names: Sequence[str]) -> None:
        """There is nobody to tell."""


class TrafficView(InjectingView, Protocol):
    """Layer 7, as the control process sees it."""

    @property
    def clients(self) -> int:
        """Connections of clients."""

    def listeners(self) -> Sequence[tuple[str, str, int]]:
        """(service, address, clients) of every listener."""

    def unopened(self) -> Sequence[tuple[str, str, str]]:
        """(service, address, why) of each listener that is not open yet, and is tried again."""

    def services(self) -> Sequence[CompiledService]:
        """What runs, for explaining."""

    def said(self, name: str) -> Sequence[Any]:
        """What each process says of itself.

        One of `stalls`, `worst_stall` (seconds), `lost` (lines of the access log), `repeating` (clients whose
        head is remembered), `relayed` (octets that left, by their way), `traces` (how many are
        kept), `refused` (claims for want of a lock),
        `tls` (`Layer7.tls`), `faults` (by name what `TimedInjections.counts` says, of other processes).
        """

    def caches(self) -> Sequence[CacheFigures]:
        """Those of the other processes, as of the last `refreshed`."""

    def reasons(self) -> Sequence[str]:
        """What keeps it from serving."""

    def traces(self, limit: int) -> Sequence[TraceRecord]:
        """The last requests, newest first, as of the last `refreshed`."""

    def faults(self, limit: int) -> Sequence[TraceRecord]:
        """Those of them that the fault path answered, which are remembered longer."""

    def trace(self, identifier: str) -> TraceRecord | Deferred[TraceRecord | None] | None:
        """One request by its id."""

    def processes(self) -> Sequence[WorkerFigures]:
        """The processes that serve; none when it is this one."""

    def refreshed(self, route: str = "") -> Deferred[None] | None:
        """Let what was counted elsewhere be known here; `route` is who asks (a name in `admin.routes`)."""

    def cut(self, why: str) -> None:
        """While stopping: wait no longer for clients."""

    def verdict(self, address: str, check: str, alive: bool | list[object] | None) -> None:
        """What a check found; None: nobody asks any more."""

    def wake(self) -> None:
        """There may be room for those who wait."""

    def believe(self, service: str, source: str) -> Deferred[None] | None:
        """Let other processes believe request ids from this address, too (`LiveService.tester`)."""

    def reopen(self) -> None:
        """The log of requests was rotated away."""


class PacketView(InjectingView, Protocol):
    """Layer 4, as the control process sees it."""

    def laid(self) -> None:
        """Servers have other faults than before in this process."""

    def listeners(self) -> Iterable[ListenerState]:
        """Every virtual service, and why it is not served."""

    def reasons(self) -> Iterable[str]:
        """What keeps it from working, one sentence each; nothing when it is not asked for."""

    def reasons_since(self) -> dict[str, float]:
        """Since when (monotonic seconds), for each of `reasons` of which that is known."""

    def connections(self, wanted: ConnectionQuery) -> ConnectionPage | Deferred[ConnectionPage]:
        """Flows and templates, newest first."""

    def figures(self) -> PacketFigures | None:
        """The whole of layer 4 in numbers, as `TrafficView.refreshed` left them; None while there is none."""

    def zero(self) -> None:
        """The whole is shown from 0 on."""

    def verdict(self, address: str, check: str, alive: bool | list[object] | None) -> None:
        """What a check found; None: nobody asks any more."""

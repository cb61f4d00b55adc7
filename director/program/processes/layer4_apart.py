"""Layer 4 in a process of its own, as the control process sees it (see `crew`).

A busy layer 7 does not make packets wait then, and neither layer takes the other with it when it dies.  While
there is no such process nothing of layer 4 is served, but the kernel goes on leaving its packets alone: no
client is answered that there is nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from director.model.settings import Configuration
from director.model.virtual import L4Settings
from director.program.candidate import Candidate
from director.program.fixed import refuse_what_is_fixed
from director.program.layer4 import clear
from director.program.processes.channel import Answer
from director.program.processes.crew import Crew, Shared
from director.program.processes.process import Process
from director.registry.counters import TrafficFigures
from director.registry.reports import (
    ConnectionEntry,
    ConnectionPage,
    ConnectionQuery,
    ListenerState,
    PacketFigures,
)

MODULE = "director.program.processes.layer4_program"
NAME = "layer 4"
ABSENT = "virtual addresses are not captured yet: the process of layer 4 is being started"
HANDING_OVER = 5.0
"""Seconds that it may take to let go."""
NOTHING = (0, 0, 0, 0, 0)


class Layer4Apart(Crew):
    """Its process, once there is a layer-4 service.

    Args:
        room: told a pool's name when a claim was given back for which others may wait.
    """

    alone = True

    def __init__(self, shared: Shared, reactor: Any, room: Callable[[str], object]) -> None:
        super().__init__(shared, reactor, 1, shared.workers + 1, MODULE)
        self._room = room
        self._began = L4Settings()
        self._states: dict[str, tuple[bool, str]] = {}
        self._reasons: tuple[str, ...] = ()
        self._since: dict[str, float] = {}
        self._ended_totals: tuple[int, ...] = NOTHING
        self._zeroed: tuple[int, ...] = NOTHING
        self._ended_counters: Counter[str] = Counter()

    # -- as a crew --

    def _name(self, index: int) -> str:
        return NAME

    def _label(self, index: int) -> str:
        return "l4"

    def _wanted(self, configuration: Configuration) -> bool:
        return bool(configuration.l4)

    def _answers(self, index: int) -> Mapping[str, Answer]:
        return {"room": self._room, "state": self._know}

    def _follows(self, one: Process, state: Any) -> None:
        self._know(state)

    def _lost(self, one: Process) -> None:
        self._states, self._reasons, self._since = {}, (), {}
        packets = one.said.get("packets")
        if packets is not None:
            self._ended_totals = _sum(self._ended_totals, packets["totals"])
            self._ended_counters.update(packets["counters"])

    def check(self, candidate: Candidate) -> None:
        """Raises ChangeRefused for what cannot change under a running layer 4."""
        if self._manned:
            refuse_what_is_fixed(self._began, candidate.desired)

    def let_go(self) -> Deferred[None]:
        """Its process saves the flows, leaves the kernel's rules, and ends."""
        return self._end("retire", HANDING_OVER)

    def go_on(self) -> None:
        """Another takes the flows up."""
        self.stopping = False
        if self._manned:
            self._man()

    def _man(self) -> Deferred[None]:
        configuration = self._shared.current.registry.configuration
        settings = self._shared.settings
        self._began = configuration.l4_settings or L4Settings()
        if not self._wanted(configuration):
            clear(settings.name, Path(settings.state_dir))
        return super()._man()

    def _know(self, state: Any) -> None:
        self._states = {service: (bound, error) for service, bound, error in state["listeners"]}
        self._reasons = tuple(state["reasons"])
        self._since = state["since"]

    @property
    def _serving(self) -> bool:
        return any(one.begun for one in self.there)

    # -- what control asks --

    def laid(self) -> None:
        """Its process is told by `inject` and `heal`."""

    def said(self, name: str) -> list[Any]:
        """One of the figures that it says of itself."""
        return [one.said.get(name) for one in self.there]

    def listeners(self) -> Iterator[ListenerState]:
        """Every virtual service, and why it is not served."""
        for service in self._shared.current.registry.configuration.l4:
            key = f"l4:{service.name}"
            bound, error = self._states.get(key, (False, ABSENT))
            yield ListenerState(key, str(service.virtual), bound=bound, error=error)

    def reasons(self) -> tuple[str, ...]:
        """What keeps layer 4 from working, one sentence each; nothing when it is not asked for."""
        if not self._started or not self._shared.current.registry.configuration.l4:
            return ()
        return self._reasons if self._serving else (ABSENT,)

    def reasons_since(self) -> dict[str, float]:
        """Since when (monotonic seconds), for each of `reasons` of which that is known."""
        return self._since

    def connections(self, wanted: ConnectionQuery) -> ConnectionPage | Deferred[ConnectionPage]:
        """Flows and templates, newest first."""
        if not self._serving:
            return ConnectionPage()
        told = {
            "limit": wanted.limit,
            "after": wanted.after,
            "client": str(wanted.client or ""),
            "service": wanted.service,
            "server": wanted.server,
        }
        asked: Deferred[Any] = self.there[0].channel.ask("connections", told)
        return asked.addCallback(_page)

    def figures(self) -> PacketFigures | None:
        """The whole of layer 4 in numbers, those of processes that ended included."""
        packets = next((one.said["packets"] for one in self.there if one.said.get("packets")), None)
        if packets is None:
            return None
        totals = _sum(self._ended_totals, packets["totals"])
        shown = tuple(now - base for now, base in zip(totals, self._zeroed, strict=True))
        counters = self._ended_counters + Counter(packets["counters"])
        named = {name: counters[name] for name in packets["counters"]}
        traffic = TrafficFigures(totals, shown, tuple(packets["rates"]))
        return PacketFigures(traffic, named, packets["flows"])

    def zero(self) -> None:
        """The whole is shown from 0 on."""
        found = self.figures()
        if found is not None:
            self._zeroed = found.total.totals
        for one in self.there:
            one.channel.tell("zero")


def _page(told: dict[str, Any]) -> ConnectionPage:
    return ConnectionPage(tuple(ConnectionEntry(**one) for one in told["entries"]), told["more"])


def _sum(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(map(sum, zip(first, second, strict=True)))

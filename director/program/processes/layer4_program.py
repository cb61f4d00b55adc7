"""The program of the process that has layer 4: see `follower` for what it shares with others.

It alone reads packets, knows the flows, and tells the kernel what to leave to it; it saves the flows in
`state_dir` when it ends and takes them up when it begins, as a single process does (`program.layer4`).
Beside the words of `follower` it knows `connections` and `zero`; and it says `state` whenever what keeps it
from serving has changed.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from attrs import asdict
from twisted.internet.defer import Deferred

from director.program.layer4 import LOOK, Layer4
from director.program.parts import Part
from director.program.processes.follower import Follower, run
from director.program.processes.orphan import LAYER4
from director.registry.reports import ConnectionQuery


class Layer4Program(Follower):
    """Layer 4, alone."""

    words = (*Follower.words, "connections", "zero")
    kind = LAYER4

    def _make(self, told: dict[str, Any]) -> Sequence[Part]:
        state_dir = Path(told["state_dir"])
        self._layer4 = Layer4(self._replica.registry, self.reactor, self.settings.name, state_dir, Random())
        self._said: object = None
        self._repeat(self._look, LOOK)
        return (self._layer4,)

    def _laid(self) -> None:
        self._layer4.laid()

    def _look(self) -> None:
        """Say what is wrong as soon as it is, once it was said how it began."""
        if self._said is not None and self._layer4.condition() != self._said:
            self.channel.tell("state", self._state())

    # -- what it can tell --

    def _state(self) -> Any:
        self._said = self._layer4.condition()
        return {
            "listeners": [[one.service, one.bound, one.error] for one in self._layer4.listeners()],
            "reasons": list(self._layer4.reasons()),
            "since": self._layer4.reasons_since(),
        }

    def _own_figures(self) -> dict[str, Any]:
        found = self._layer4.figures()
        if found is None:
            return {"packets": None}
        packets = {"totals": found.total.totals, "rates": found.total.rates, "counters": dict(found.counters)}
        return {"packets": {**packets, "flows": found.flows}, "clients": found.flows}

    def _connections(self, told: dict[str, Any]) -> dict[str, Any]:
        client = told.pop("client")
        network = ipaddress.ip_network(client) if client else None
        page = self._layer4.connections(ConnectionQuery(client=network, **told))
        return {"entries": [asdict(one) for one in page.entries], "more": page.more}

    def _zero(self, _: Any) -> None:
        self._layer4.zero()

    # -- the end --

    def _leave(self, grace: float) -> Deferred[Any]:
        """The next process finds the kernel as it is now, so no packet reaches the host in between."""
        return self._layer4.let_go()


if __name__ == "__main__":
    run(Layer4Program)

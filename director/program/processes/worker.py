"""The program of a process that serves layer 7: see `follower` for what it shares with others.

The control process opens the addresses and hands the sockets over before the changes that need them.  Beside
the words of `follower` it knows:

    room      somebody may wait for a place that is free now      traces, trace   what was remembered
    reopen    the log of requests was rotated                     cut             while stopping: at once
    believe   whose request ids

It tells by itself: `event` (a log line), `room` (there is a place again), `work` (how servers do).
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred

from director.l7.io.access_log import AccessLog
from director.l7.io.listener import BindError, bound_to
from director.l7.proxy.trace import as_dict
from director.model.pools import Address
from director.program.identifiers import identifiers
from director.program.layer7 import layer7_of
from director.program.parts import Part
from director.program.processes.follower import Follower, run
from director.program.processes.orphan import WORKER
from director.program.processes.sockets import name
from director.store.values import unpacked
from director.tls.io.certificates import Pair


class WorkerProgram(Follower):
    """One worker."""

    words = (*Follower.words, "room", "traces", "trace", "reopen", "cut", "believe")
    kind = WORKER

    def _make(self, told: dict[str, Any]) -> Sequence[Part]:
        settings, registry = self.settings, self._replica.registry
        self.access_log = AccessLog(told["access_log"], settings.log, self._epoch, self.reactor, shared=True)
        self.access_log.start()
        new_id = identifiers(f"{told['run']}{told['column']:02x}")
        certificates, self._layer7 = layer7_of(
            registry, self.reactor, self.access_log, settings.trace, new_id, self._socket
        )
        self.shell = self._layer7.shell
        certificates.store.believe(
            (unpacked(one), tuple(Pair(*unpacked(pair)) for pair in pairs))
            for one, pairs in told["certificates"]
        )
        return certificates, self._layer7

    def _socket(self, address: Address) -> socket.socket:
        """The socket that was given for an address; at a start it may come later (`BindError.taken`)."""
        given = self.channel.handed.pop(name(bound_to(address)), None)
        if given is None:
            why = "no socket was given for it; this process must be replaced"
            raise BindError(f"cannot listen on {address}: {why}", why, taken=True)
        sock = socket.socket(fileno=given)
        sock.setblocking(False)
        return sock

    def _judged(self) -> None:
        self._layer7.wake()

    def _believe(self, told: list[str]) -> None:
        service, source = told
        live = self._replica.registry.services.get(service)
        if live is not None:
            live.tester = source

    def _room(self, _pool: str) -> None:
        self.shell.queues.wake()

    def _reopen(self, _: Any) -> bool:
        return self.access_log.reopen()

    # -- what it can tell --

    def _own_figures(self) -> dict[str, Any]:
        shell = self.shell
        return {
            "clients": shell.clients,
            "requests": sum(one.requests.requests for one in self._replica.registry.services.values()),
            "listeners": shell.listeners(),
            "stalls": shell.stalls,
            "worst_stall": shell.worst_stall,
            "lost": self.access_log.lost,
            "repeating": shell.repeating(),
            "relayed": shell.relayed(),
            "traces": len(shell.traces),
            "tls": self._layer7.tls(),
        }

    def _traces(self, limit: int) -> list[Any]:
        """The last ones, and those that the fault path answered, which are remembered longer."""
        traces = self.shell.traces
        last = traces.last(limit)
        known = {record[0] for record in last}
        more = [record for record in traces.faults(limit) if record[0] not in known]
        return [as_dict(record, self._epoch) for record in (*last, *more)]

    def _trace(self, identifier: str) -> Any:
        record = self.shell.traces.find(identifier)
        return None if record is None else as_dict(record, self._epoch)

    # -- the end --

    def _cut(self, why: str) -> None:
        self.shell.cut(why)

    def _leave(self, grace: float) -> Deferred[Any]:
        """Clients who are idle may stay and ask once more: the others take no connection of theirs over."""
        self._layer7.let_go()
        return super()._leave(grace)

    def _closed(self) -> None:
        self.access_log.stop()

    # -- another control process --

    def _entrances(self) -> Mapping[str, int]:
        return {name(place): sock.fileno() for place, sock in self.shell.sockets().items()}

    def _adopted(self) -> None:
        """A drill ended with the one before."""
        for live in self._replica.registry.services.values():
            live.tester = ""


if __name__ == "__main__":
    run(WorkerProgram)

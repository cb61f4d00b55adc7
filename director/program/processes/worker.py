"""The program of a process that serves layer 7.

It is started by the control process with a socket pair to it and the memory for the counts, and knows
nothing but what it is told: it reads no configuration, opens no address, writes no state.  Its registry is
a replica, which gets the same changes in the same order; its claims stand in the shared memory
(`registry.mapped`).  What it says of itself goes to the control process's log.

    begin     what runs; go              verdicts  what checks found
    prepare   changes, with new sockets  room      somebody may wait for a place that is free now
    commit    follow them                figures, traces, trace    what was counted and remembered
    abandon   forget them                beat      are you there?
    reopen    the log was rotated        stop, cut                 the end

It tells by itself: `event` (a log line), `room` (there is a place again), `work` (how servers do).

When the control process dies it serves on with what it knows, and waits for another to take over (`orphan`).
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.internet.task import LoopingCall
from twisted.logger import Logger, globalLogBeginner

from director import plugins
from director.errors import DirectorError
from director.l7.io.access_log import AccessLog
from director.l7.io.listener import bound_to
from director.l7.proxy.trace import as_dict
from director.model.pools import Address, Advice
from director.plugins import UserFiles
from director.program.candidate import Candidate
from director.program.identifiers import identifiers
from director.program.layer7 import layer7_of
from director.program.parts import Parts
from director.program.processes.channel import Channel
from director.program.processes.figures import Meter
from director.program.processes.orphan import Orphan
from director.program.processes.relay import Relay
from director.program.processes.sightings import EVERY, Sightings
from director.program.processes.sockets import name
from director.program.replica import Replica
from director.registry.changes import changed
from director.registry.io.segment import attach
from director.registry.mapped import Given, MappedBooks
from director.store.values import unpacked

CHANNEL, SEGMENT = 3, 4
"""The descriptors that the control process gives."""
TICK = 1.0
"""Seconds between two looks at what the counts owe."""
WORDS = (
    "begin", "prepare", "commit", "abandon", "verdicts", "room", "figures", "traces", "trace", "beat",
    "reopen", "stop", "cut",
)  # fmt: skip
"""What is answered."""

_log = Logger(namespace="director.worker")


class WorkerProgram:
    """One worker.

    Attributes:
        channel: to the control process.
    """

    def __init__(self, reactor: Any, descriptor: int, relay: Relay) -> None:
        self.reactor = reactor
        self._descriptor = descriptor
        self._relay = relay
        self._prepared: Candidate | None = None
        self._stopping = False
        self.channel = Channel({word: getattr(self, f"_{word}") for word in WORDS}, self._alone)
        relay.channel = self.channel

    # -- life --

    def _begin(self, told: dict[str, Any]) -> Deferred[Any]:
        """Serve what is told."""
        column, settings = told["column"], unpacked(told["settings"])
        with contextlib.suppress(OSError):
            Path("/proc/self/comm").write_text(f"director-{told['index']}", encoding="ascii")
        self._epoch = time.time() - self.reactor.seconds()
        self._started = time.time()
        self.books = MappedBooks(
            attach(self._descriptor).table(column),
            room=lambda pool: self.channel.tell("room", pool),
            processes=told["processes"],
        )
        self._replica = Replica(self.reactor, Random(), self.books)
        self._files = UserFiles()
        registry = self._replica.registry
        self._sightings = Sightings(registry, self.reactor, self.channel)
        registry.saw = self._sightings.saw
        self.access_log = AccessLog(told["access_log"], settings.log, self._epoch, self.reactor, shared=True)
        self.access_log.start()
        self._meter = Meter(registry)
        new_id = identifiers(f"{told['run']}{column:02x}")
        certificates, self._layer7 = layer7_of(
            registry, self.reactor, self.access_log, settings.trace, new_id, self._socket
        )
        self.shell = self._layer7.shell
        self._parts = Parts((self._replica, certificates, self._layer7))
        self._orphan = Orphan(self.reactor, told["state_dir"], self._retire)
        self.books.learn(Given(*one) for one in told["given"])
        done = self._prepare(told).addCallback(lambda _: self._commit({"given": ()}))
        return done.addCallback(self._begun, told["verdicts"])

    def _begun(self, _: Any, verdicts: Any) -> dict[str, Any]:
        self._verdicts(verdicts)
        self._parts.start()
        self._tick()
        self._repeat(self._sightings.look, EVERY)
        for chore, period in self._parts.chores():
            self._repeat(chore, period)
        return {"pid": os.getpid()}

    def _prepare(self, told: dict[str, Any]) -> Deferred[None]:
        """Be ready for changes.  Fails with what is against them."""
        changes = unpacked(told["changes"])
        desired = changed(self._replica.registry.configuration, changes)
        sources = {path: source.encode("latin-1") for path, source in told["files"].items()}
        files = UserFiles(self._files, sources)
        candidate = Candidate(None, files).by(told["author"], desired)
        catalog = plugins.catalog(desired.schedulers, self._replica.note, files=files)
        self._prepared = evolve(candidate, changes=changes, catalog=catalog)
        return self._parts.prepare(self._prepared)

    def _commit(self, told: dict[str, Any]) -> Deferred[None]:
        """Follow them."""
        candidate, self._prepared = self._prepared, None
        if candidate is None:
            raise DirectorError("nothing was prepared")
        self.books.learn(Given(*one) for one in told["given"])
        self._files = candidate.files
        return self._parts.commit(candidate)

    def _abandon(self, _: Any) -> Deferred[None]:
        """Forget them."""
        self._prepared = None
        for sock in self.channel.handed.values():
            sock.close()
        self.channel.handed.clear()
        return self._parts.abandon()

    def _socket(self, address: Address) -> socket.socket:
        """The socket that was given for an address."""
        given = self.channel.handed.pop(name(bound_to(address)), None)
        if given is None:
            raise DirectorError(f"no socket was given for {address}; this process must be replaced")
        given.setblocking(False)
        return given

    def _repeat(self, chore: Callable[[], object], period: float) -> None:
        loop = LoopingCall(chore)
        loop.clock = self.reactor
        loop.start(period, now=False)

    def _tick(self) -> None:
        self.books.tick()
        self._replica.registry.sweep(self.reactor.seconds())
        self.reactor.callLater(TICK, self._tick)

    # -- news --

    def _verdicts(self, told: list[Any]) -> None:
        """(address, check, alive); None for a verdict that is forgotten, a list for what an agent advises."""
        registry, now = self._replica.registry, self.reactor.seconds()
        for address, check, alive in told:
            if alive is None:
                registry.forget_health(address, check, now)
            elif isinstance(alive, list):
                registry.set_advice(address, check, Advice.heard(alive), now)
            else:
                registry.set_health(address, check, alive, now)
        self._layer7.wake()

    def _room(self, _pool: str) -> None:
        self.shell.queues.wake()

    def _reopen(self, _: Any) -> bool:
        return self.access_log.reopen()

    def _beat(self, _: Any) -> bool:
        return True

    # -- what it can tell --

    def _figures(self, _: Any) -> Deferred[dict[str, Any]]:
        """What changed since they were told last, and the process itself."""
        done: Deferred[dict[str, Any]] = Deferred()
        found: list[Any] = []
        portions = self._meter.changes()
        cost = 0.0

        def step() -> None:
            nonlocal cost
            began = time.perf_counter()
            portion = next(portions, None)
            cost += time.perf_counter() - began
            if portion is None:
                done.callback({"counts": found, "process": {**self._process(), "cost": cost}})
                return
            found.extend(portion)
            self.reactor.callLater(0, step)

        step()
        return done

    def _process(self) -> dict[str, Any]:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        shell = self.shell
        with contextlib.suppress(OSError, ValueError, IndexError):
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return {
            "clients": shell.clients,
            "requests": sum(one.requests.requests for one in self._replica.registry.services.values()),
            "listeners": shell.listeners(),
            "stalls": shell.stalls,
            "worst_stall": shell.worst_stall,
            "lost": self.access_log.lost,
            "repeating": shell.repeating(),
            "cpu": usage.ru_utime + usage.ru_stime,
            "rss": pages * resource.getpagesize(),
            "started": self._started,
            "refused": self.books.refused,
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

    def _stop(self, grace: float) -> Deferred[Any]:
        """Let what is under way end for so long, then end."""
        self._stopping = True
        return self._parts.stop(grace).addCallback(lambda _: self._ended())

    def _cut(self, why: str) -> None:
        self.shell.cut(why)

    def _ended(self) -> dict[str, Any]:
        self.access_log.stop()
        self.reactor.callLater(0.05, self.reactor.stop)
        return {}

    def _alone(self) -> None:
        """The control process is gone."""
        if self._stopping:
            self.reactor.callLater(0, self.reactor.stop)
        elif not hasattr(self, "_orphan"):
            self.reactor.stop()
        else:
            _log.error("the control process is gone; this one serves on with what it knows")
            self._orphan.listen()

    def _retire(self, grace: float) -> None:
        """Another control process has taken over."""
        self._orphan.close()
        self._stop(grace)

    def stop_by_signal(self) -> None:
        """SIGTERM counts when nobody is there who says when to stop."""
        if not self._stopping and not self.channel.open:
            self._retire(10.0)


def main() -> None:
    """Be a worker: `python -m director.program.processes.worker`."""
    if "--stock-reactor" not in sys.argv:
        from director.l7.io.reactor import install  # noqa: PLC0415 - chosen before anything may import it

        install()
    from twisted.internet import reactor  # noqa: PLC0415 - as above

    here: Any = reactor
    relay = Relay()
    globalLogBeginner.beginLoggingTo([relay], discardBuffer=True, redirectStandardIO=False)
    program = WorkerProgram(here, SEGMENT, relay)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: here.callFromThread(program.stop_by_signal))
    factory = Factory.forProtocol(lambda: program.channel)
    os.set_blocking(CHANNEL, False)
    here.adoptStreamConnection(CHANNEL, socket.AF_UNIX, factory)
    os.close(CHANNEL)
    here.run(installSignalHandlers=False)


if __name__ == "__main__":
    main()

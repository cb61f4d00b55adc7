"""What all processes that are started have in common: they know nothing but what they are told.

Such a process is started with a socket pair to the control process and the memory for the counts.  It reads
no configuration and opens no address.  Its registry is a replica, which gets the same changes in the same
order; its claims stand in the shared memory (`registry.mapped`).  What it says of itself goes to the control
process's log.

    begin     what runs; go              verdicts  what checks found
    prepare   changes                    figures   what was counted, and the process itself
    commit    follow them                beat      are you there?
    abandon   forget them                stop      the end
    inject    faults of drills           retire    the end, while others go on
    heal      end these                  adopt     another control process, and what runs there

When the control process dies it works on with what it knows, and waits for another to adopt it (`orphan`).
`worker` and `layer4_program` are what such processes do.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, ClassVar

from attrs import astuple, evolve
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.internet.task import LoopingCall
from twisted.logger import Logger, globalLogBeginner

from director import plugins
from director.caches import figures as cache_figures
from director.errors import DirectorError
from director.fault.io.timed import TimedInjections
from director.model.pools import Advice
from director.model.virtual import L4Settings
from director.plugins import UserFiles
from director.program.candidate import Candidate
from director.program.memory import settle_memory
from director.program.parts import Part, Parts
from director.program.processes.channel import Answer, Channel
from director.program.processes.figures import Meter
from director.program.processes.orphan import COUNTS, FACTS, Alone, Orphan, facts
from director.program.processes.relay import Relay
from director.program.processes.sightings import EVERY, Sightings
from director.program.processes.snapshot import leading, superseding
from director.program.replica import Replica
from director.program.version import VERSION
from director.registry.books import MappedBooks
from director.registry.cells import Given
from director.registry.changes import Change, changed
from director.registry.io.segment import attach
from director.store.values import unpacked

CHANNEL, SEGMENT = 3, 4
"""The descriptors that the control process gives."""
OUTPUTS = {"stdout": 1, "stderr": 2}
"""Those of the control process, by the names under which another one hands its own over."""
TICK = 1.0
"""Seconds between two looks at what the counts owe."""

_log = Logger(namespace="director.processes")


class Follower:
    """One process that follows the control process.

    Attributes:
        channel: to the control process.
        words: what is answered.
        kind: of what is left alone, for whoever looks for it (`orphan`).
        settle: called once when it serves.
    """

    words: ClassVar[tuple[str, ...]] = (
        "begin", "prepare", "commit", "abandon", "verdicts", "inject", "heal", "figures", "beat", "stop",
        "retire",
    )  # fmt: skip
    kind: ClassVar[str]
    settle: Callable[[], object] = staticmethod(lambda: None)

    def __init__(self, reactor: Any, descriptor: int, relay: Relay) -> None:
        self.reactor = reactor
        self._descriptor = descriptor
        self._relay = relay
        self._prepared: Candidate | None = None
        self._stopping = False
        self.channel = relay.channel = self._new_channel()

    # -- what a subclass does --

    def _make(self, told: dict[str, Any]) -> Sequence[Part]:
        """The parts that do the work, once the replica is there."""
        raise NotImplementedError

    def _own_figures(self) -> dict[str, Any]:
        """What this kind of process says of itself, beside what all say."""
        raise NotImplementedError

    def _state(self) -> Any:
        """What the control process must know when this one has begun or followed."""
        return None

    def _judged(self) -> None:
        """Verdicts have changed."""

    def _laid(self) -> None:
        """Servers have other faults than before."""

    def _leave(self, grace: float) -> Deferred[Any]:
        """Let the work go to another process that is ready for it."""
        return self._parts.stop(grace)

    def _adopted(self) -> None:
        """Another control process has taken over: what only the one before asked for ends."""

    def _entrances(self) -> Mapping[str, int]:
        """The sockets that clients come in by, by the names of their places."""
        return {}

    def _closed(self) -> None:
        """The parts have stopped: let go of the rest."""

    # -- life --

    def _begin(self, told: dict[str, Any]) -> Deferred[Any]:
        """Do what is told.  Fails when the control process is another version than this one."""
        _demand_version(told)
        column, self.settings = told["column"], unpacked(told["settings"])
        with contextlib.suppress(OSError):
            Path("/proc/self/comm").write_text(f"director-{told['label']}", encoding="ascii")
        self._epoch = time.time() - self.reactor.seconds()
        self._started = time.time()
        segment = attach(self._descriptor)
        segment.occupy(column)
        self.books = MappedBooks(
            segment.table(column),
            room=lambda pool: self.channel.tell("room", pool),
            processes=told["processes"],
        )
        self._replica = Replica(self.reactor, Random(), self.books)
        sightings = Sightings(self._replica.registry, self.reactor, self._tell)
        self._replica.registry.saw = sightings.saw
        self._repeat(sightings.look, EVERY)
        self._files = UserFiles()
        self._meter = Meter(self._replica.registry)
        alone = Alone(self._bequest, self._new_channel, self._retire)
        self._orphan = Orphan(self.reactor, told["state_dir"], self.kind, alone)
        self._parts = Parts((self._replica, *self._make(told)))
        self._faults = TimedInjections(self._replica.registry, self.reactor, lambda _: None, self._laid)
        self._inject(told["faults"])
        self.books.learn(Given(*one) for one in told["given"])
        done = self._prepare(told).addCallback(lambda _: self._commit({"given": ()}))
        return done.addCallback(self._begun, told["verdicts"])

    def _begun(self, _: Any, verdicts: Any) -> Deferred[dict[str, Any]]:
        self._verdicts(verdicts)
        started = self._parts.start()
        self._tick()
        for chore, period in self._parts.chores():
            self._repeat(chore, period)
        self.settle()
        return started.addCallback(lambda _: {"pid": os.getpid(), "state": self._state()})

    def _prepare(self, told: dict[str, Any]) -> Deferred[None]:
        """Be ready for changes.  Fails with what is against them."""
        return self._prepare_with(unpacked(told["changes"]), self._read(told["files"]), told["author"])

    def _read(self, files: dict[str, str]) -> UserFiles:
        return UserFiles(self._files, {path: source.encode("latin-1") for path, source in files.items()})

    def _prepare_with(self, changes: tuple[Change, ...], files: UserFiles, author: str) -> Deferred[None]:
        desired = changed(self._replica.registry.configuration, changes)
        candidate = Candidate(None, files).by(author, desired)
        catalog = plugins.catalog(desired.schedulers, self._replica.note, files=files)
        self._prepared = evolve(candidate, changes=changes, catalog=catalog)
        return self._parts.prepare(self._prepared)

    def _commit(self, told: dict[str, Any]) -> Deferred[dict[str, Any]]:
        """Follow them."""
        candidate, self._prepared = self._prepared, None
        if candidate is None:
            raise DirectorError("nothing was prepared")
        self.books.learn(Given(*one) for one in told["given"])
        self._files = candidate.files
        done = self._parts.commit(candidate)
        # Servers that are new may have some, too.
        self._faults.injections.follow()
        return done.addCallback(lambda _: {"state": self._state()})

    def _abandon(self, _: Any) -> Deferred[None]:
        """Forget them."""
        self._prepared = None
        self.channel.drop()
        return self._parts.abandon()

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
        self._judged()

    def _inject(self, told: list[Any]) -> None:
        """(fault, seconds that it has left); each ends by itself, also when the control process is gone."""
        now = self.reactor.seconds()
        for fault, left in told:
            self._faults.start(evolve(unpacked(fault), ends=now + left))

    def _heal(self, names: list[str]) -> None:
        for one in names:
            self._faults.stop(one)

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
        with contextlib.suppress(OSError, ValueError, IndexError):
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return {
            "cpu": usage.ru_utime + usage.ru_stime,
            "rss": pages * resource.getpagesize(),
            "started": self._started,
            "refused": self.books.refused,
            "caches": [astuple(one) for one in cache_figures()],
            "faults": self._faults.counts(),
            **self._own_figures(),
        }

    # -- another control process --

    def _tell(self, word: str, what: Any) -> None:
        """To whichever is there."""
        self.channel.tell(word, what)

    def _new_channel(self) -> Channel:
        """To a control process: the one that started this process, or one that may adopt it."""
        answers: dict[str, Answer] = {word: getattr(self, f"_{word}") for word in self.words}
        answers["adopt"] = lambda told: self._adopt(told, channel)
        channel = Channel(answers, lambda: self._alone(channel))
        return channel

    def _bequest(self) -> dict[str, int]:
        """What it needs for that."""
        l4 = self._replica.registry.configuration.l4_settings or L4Settings()
        told = facts(self.kind, self.books.table.column, self.settings, l4, self.books.all_given())
        file = os.memfd_create("director-facts", os.MFD_CLOEXEC)
        os.write(file, told)
        os.lseek(file, 0, os.SEEK_SET)
        return {FACTS: file, COUNTS: self._descriptor, **self._entrances()}

    def _adopt(self, told: dict[str, Any], channel: Channel) -> Deferred[dict[str, Any]]:
        """Follow another control process, and become what runs there."""
        _demand_version(told)
        given = [Given(*one) for one in told["given"]]
        contradiction = self.books.contradiction(given)
        if contradiction:
            raise DirectorError(f"{contradiction} counts elsewhere in it")
        self.channel = self._relay.channel = channel
        self._orphan.close()
        for name, number in OUTPUTS.items():
            descriptor = channel.handed.pop(name, None)
            if descriptor is not None:
                os.dup2(descriptor, number)
                os.close(descriptor)
        self.settings = unpacked(told["settings"])
        self._meter = Meter(self._replica.registry)
        self._adopted()
        self.books.learn(given)
        files = self._read(told["files"])
        changes = leading(self._replica.registry, unpacked(told["changes"]), files)
        prepared = self._prepare_with(changes, files, told["author"])
        followed = prepared.addCallback(lambda _: self._commit({"given": ()}))
        return followed.addCallback(lambda state: self._follows_another(state, told))

    def _follows_another(self, followed: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
        self._verdicts(superseding(self._replica.registry.verdicts(), told["verdicts"]))
        kept = {unpacked(fault).name for fault, _ in told["faults"]}
        self._heal([name for name in self._faults.counts() if name not in kept])
        self._inject(told["faults"])
        return {"pid": os.getpid(), **followed}

    # -- the end --

    def _stop(self, grace: float) -> Deferred[Any]:
        """Let what is under way end for so long, then end."""
        self._stopping = True
        return self._parts.stop(grace).addCallback(lambda _: self._ended())

    def _ended(self) -> dict[str, Any]:
        self._closed()
        self.reactor.callLater(0.05, self.reactor.stop)
        return {}

    def _alone(self, channel: Channel) -> None:
        """The control process at its other end is gone, or one that has not adopted this process."""
        if channel is not self.channel:
            return
        if self._stopping:
            self.reactor.callLater(0, self.reactor.stop)
        elif not hasattr(self, "_orphan"):
            self.reactor.stop()
        else:
            _log.error("the control process is gone; this one serves on with what it knows")
            self._orphan.listen()

    def _retire(self, grace: float) -> Deferred[Any]:
        """Others go on: another control process has taken over, or a new program (`program.upgrade`)."""
        self._orphan.close()
        self._stopping = True
        return self._leave(grace).addCallback(lambda _: self._ended())

    def stop_by_signal(self) -> None:
        """SIGTERM counts when nobody is there who says when to stop."""
        if not self._stopping and not self.channel.open:
            self._orphan.close()
            self._stop(10.0)


def _demand_version(told: dict[str, Any]) -> None:
    if told["version"] != VERSION:
        raise DirectorError(
            f"its program is of version {VERSION} and cannot work for the running {told['version']}; "
            "run `director upgrade`"
        )


def run(program: type[Follower]) -> None:
    """Be such a process."""
    if "--stock-reactor" not in sys.argv:
        from director.l7.io.reactor import install  # noqa: PLC0415 - chosen before anything may import it

        install()
    from twisted.internet import reactor  # noqa: PLC0415 - as above

    here: Any = reactor
    relay = Relay()
    globalLogBeginner.beginLoggingTo([relay], discardBuffer=True, redirectStandardIO=False)
    follower = program(here, SEGMENT, relay)
    follower.settle = settle_memory
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: here.callFromThread(follower.stop_by_signal))
    factory = Factory.forProtocol(lambda: follower.channel)
    os.set_blocking(CHANNEL, False)
    here.adoptStreamConnection(CHANNEL, socket.AF_UNIX, factory)
    os.close(CHANNEL)
    here.run(installSignalHandlers=False)

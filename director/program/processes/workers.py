"""Layer 7 in processes of its own: their sockets, and what all of them say as one (see `crew`).

A worker that takes another's place gets its sockets, too, and so the clients who wait there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from socket import socket
from typing import Any

from attrs import astuple
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from director.l7.io.listener import bound_to
from director.l7.io.waiting import TRY_AGAIN
from director.l7.routing.service import CompiledService
from director.model.settings import Configuration
from director.program.candidate import Candidate
from director.program.layer7 import compile_services
from director.program.parts import Chore, all_of
from director.program.processes.channel import Answer
from director.program.processes.collector import Collector
from director.program.processes.crew import Crew, Shared
from director.program.processes.orphan import WORKER, orphans, release
from director.program.processes.process import Process
from director.program.processes.sockets import Place, Sockets, entrance
from director.registry.counters import ESTIMATOR_PERIOD
from director.store.values import packed
from director.tls.io.store import CertificateStore

MODULE = "director.program.processes.worker"

_log = Logger(namespace="director")


class Workers(Crew, Collector):
    """All workers.

    Args:
        run: what tells this run's requests from others.
        access_log: where they write.
        certificates: what a new one serves where files are bad by now, or not for it to read.
        inherited: listening sockets that the program before left, by address and number.
    """

    def __init__(
        self,
        shared: Shared,
        reactor: Any,
        run: str,
        access_log: str,
        certificates: CertificateStore,
        inherited: Callable[[Place, int], socket | None] = lambda _place, _number: None,
    ) -> None:
        Crew.__init__(self, shared, reactor, shared.workers, 1, MODULE)
        Collector.__init__(self, shared.sums, reactor)
        self._run = run
        self._access_log = access_log
        self._certificates = certificates
        self._sockets = Sockets(shared.workers, inherited)
        self._orphans: list[Any] | None = None
        self._serves = False
        self._services: list[CompiledService] = []

    @property
    def counting(self) -> list[Process]:
        """All that count, those of other crews, too."""
        return [one for crew in self._shared.crews for one in crew.there]

    # -- as a crew --

    def _name(self, index: int) -> str:
        return f"worker {index + 1}"

    def _label(self, index: int) -> str:
        return str(index + 1)

    def _wanted(self, configuration: Configuration) -> bool:
        return bool(configuration.l7)

    def _answers(self, index: int) -> Mapping[str, Answer]:
        return {"room": partial(self._room, index)}

    def _facts(self) -> Mapping[str, Any]:
        return {
            "access_log": self._access_log,
            "run": self._run,
            "certificates": [
                (packed(one), [packed(astuple(pair)) for pair in pairs])
                for one, pairs in self._certificates.kept()
            ],
        }

    def _hand(self, one: Process, *, new: bool) -> None:
        for name, sock in self._sockets.of(one.index, new=new).items():
            if new or name not in one.has:
                one.channel.hand(name, sock.fileno())

    def _lost(self, one: Process) -> None:
        if not self.stopping:
            self.wake()

    def prepare(self, candidate: Candidate) -> Deferred[None] | None:
        """Open what is new, and let every worker be ready."""
        if self._orphans is None:
            state_dir, spared = self._shared.settings.state_dir, self._shared.begin()
            self._orphans = orphans(Path(state_dir), WORKER, spared) if state_dir else []
        desired = candidate.desired
        addresses = [address for one in desired.l7 for address in one.places]
        self._sockets.prepare(addresses, beside=bool(self._orphans), waits=not self._serves)
        error = None if desired.l4 else self._sockets.none_opened()
        if error is not None:
            self._sockets.abandon()
            raise error
        return super().prepare(candidate)

    def commit(self, candidate: Candidate) -> Deferred[None] | None:
        """Let every worker follow; fires when all have."""
        self._serves = True
        registry = self._shared.current.registry
        self._services = compile_services(registry.configuration, registry)
        # Ours first: then a worker's is the last copy of a socket that goes, and takes who waits there.
        self._sockets.commit()
        return super().commit(candidate)

    def abandon(self) -> Deferred[None] | None:
        """Forget what was prepared, everywhere."""
        self._sockets.abandon()
        return super().abandon()

    def start(self) -> Deferred[None]:
        """Start all; fires when all serve."""
        return super().start().addCallback(self._release)

    def _release(self, _: None) -> None:
        waiting, self._orphans = self._orphans or [], []
        if waiting:
            _log.info("{count} worker(s) of an earlier run retire", count=len(waiting))
            release(waiting)

    def chores(self) -> Iterable[Chore]:
        """The pulse, the rates, what the counts owe, and addresses that another program had."""
        return (
            *super().chores(),
            (self._estimate, ESTIMATOR_PERIOD),
            (self._shared.books.tick, 1.0),
            (self._open, TRY_AGAIN),
        )

    def _open(self) -> None:
        """What could be opened by now is handed to all; they look for it as often."""
        for place in self._sockets.again():
            for one in self.there:
                self._sockets.hand(place, one.index, one.channel.hand)

    def _estimate(self) -> None:
        """A sample that is new each time: one of what somebody else had fetched would shake the rates."""
        self.refreshed().addBoth(lambda _: self._shared.current.estimate())

    def stop(self, grace: float) -> Deferred[None]:
        """Let all end what they have within `grace` seconds."""
        self._sockets.stop(handed_on=self._handed_on)
        return super().stop(grace)

    def bequest(self) -> Mapping[str, int]:
        """All listening sockets."""
        return {entrance(*place, number): sock.fileno() for place, number, sock in self._sockets.all_open()}

    def let_go(self) -> None:
        """Another program accepts from them, too."""
        self._handed_on = True

    def go_on(self) -> None:
        """It does not."""
        self._handed_on = False

    def cut(self, why: str) -> None:
        """While stopping: wait no longer."""
        for one in self.there:
            one.channel.tell("cut", why)

    def reopen(self) -> None:
        """The access log was rotated away."""
        for one in self.there:
            one.channel.tell("reopen")

    # -- news --

    def _room(self, index: int, pool: str) -> None:
        for one in self.there:
            if one.index != index:
                one.channel.tell("room", pool)

    def room(self, pool: str) -> None:
        """Another crew's process made room for those who wait."""
        for one in self.there:
            one.channel.tell("room", pool)

    def believe(self, service: str, source: str) -> Deferred[None]:
        """Let every worker believe request ids from this address."""
        return all_of([one.channel.ask("believe", [service, source]) for one in self.there])

    def wake(self) -> None:
        """There may be room for those who wait."""
        self.room("")

    # -- what control asks (more of it in `collector`) --

    def listeners(self) -> list[tuple[str, str, int]]:
        """(service, address, clients) of every listener."""
        counts: dict[tuple[str, str], int] = {}
        for one in self.there:
            for name, address, clients in one.said.get("listeners", ()):
                counts[name, address] = counts.get((name, address), 0) + clients
        services = self._shared.current.registry.configuration.l7
        places = [(one.name, str(address)) for one in services for address in one.places]
        return [(*place, counts.get(place, 0)) for place in places]

    def unopened(self) -> list[tuple[str, str, str]]:
        """(service, address, why) of each that another program has had since before the start."""
        waiting = self._sockets.taken
        places = [
            (one.name, address)
            for one in self._shared.current.registry.configuration.l7
            for address in one.places
        ]
        return [
            (name, str(address), waiting[bound_to(address)].why)
            for name, address in places
            if bound_to(address) in waiting
        ]

    def services(self) -> list[CompiledService]:
        """For explaining."""
        return self._services

    def reasons(self) -> list[str]:
        """Why traffic should not come."""
        serving = any(one.begun for one in self.there)
        if serving or not self._started or not self._wanted(self._shared.current.registry.configuration):
            return []
        return ["no worker serves: they are being started"]

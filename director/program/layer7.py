"""Layer 7 inside the running program, and its services compiled: what joins rules, fault path and registry.

Composition.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from socket import socket
from typing import Any

from twisted.internet.defer import Deferred

from director.caches import CacheFigures
from director.l7.http.requests import Limits
from director.l7.io.access_log import AccessLog
from director.l7.io.service import Shell
from director.l7.io.tls_contexts import TLSContexts
from director.l7.proxy.trace import as_dict
from director.l7.routing.fault_path import FaultPath
from director.l7.routing.rules import compile_rules
from director.l7.routing.service import CompiledService
from director.model.http import L7Service
from director.model.pools import Address
from director.model.settings import Configuration
from director.program.candidate import Candidate
from director.program.certificates import Certificates
from director.program.parts import Part
from director.program.processes.sockets import entrance
from director.program.traffic import OneProcess
from director.registry.registry import Registry
from director.registry.reports import WorkerFigures


class Layer7(Part, OneProcess):
    """The layer-7 shell as a part.

    Attributes:
        shell: listeners, clients, deadlines.
    """

    def __init__(
        self,
        registry: Registry,
        shell: Shell,
        new_id: Callable[[], str],
        ends: Callable[[], Mapping[str, float]] = dict,
    ) -> None:
        self.shell = shell
        self._registry = registry
        self._new_id = new_id
        self._ends = ends
        self._serves = False

    def rehearse(self, candidate: Candidate) -> None:
        """Every address that is new can be listened on: tried, and let go at once."""
        self.prepare(candidate)
        self.abandon()

    def prepare(self, candidate: Candidate) -> None:
        """Open the addresses that are new.

        At a start those that another program has are waited for, as long as something else is served: who
        starts a standby cannot do without, and who changes what serves is there to be told.
        """
        desired = candidate.desired
        self.shell.prepare(desired.l7, waits=not self._serves)
        error = None if desired.l4 else self.shell.none_opened()
        if error is not None:
            self.shell.abandon()
            raise error

    def commit(self, candidate: Candidate) -> None:
        """Serve these services; whoever waits is decided anew, as a newcomer would be."""
        self._serves = True
        configuration = self._registry.configuration
        self.shell.apply(compile_services(configuration, self._registry), self._new_id)
        local = {str(step.address) for one in configuration.l7 for step in one.fault if step.kind == "local"}
        now = self.shell.reactor.seconds()
        self.shell.backends.sweep(now, set(self._registry.by_address) | local)
        if candidate.changes:
            self.shell.queues.wake(everybody=True)
        self.wake()

    def abandon(self) -> None:
        """Close what was opened."""
        self.shell.abandon()

    def start(self) -> None:
        """Watch deadlines."""
        self.shell.start()

    def stop(self, grace: float) -> Deferred[None]:
        """Stop accepting, let requests end for `grace` seconds, then cut what is left."""
        return self.shell.stop(grace).addCallback(lambda _: self.shell.settle())

    def bequest(self) -> Mapping[str, int]:
        """The listening sockets."""
        return {entrance(*place, 0): sock.fileno() for place, sock in self.shell.sockets().items()}

    def let_go(self) -> None:
        """Another program accepts from them, too."""
        self.shell.hand_on()

    def go_on(self) -> None:
        """It does not."""
        self.shell.hand_on(False)

    # -- what the admin asks (`traffic`) --

    @property
    def clients(self) -> int:
        """Connections of clients."""
        return self.shell.clients

    def listeners(self) -> Sequence[tuple[str, str, int]]:
        """(service, address, clients) of every listener."""
        return self.shell.listeners()

    def unopened(self) -> Sequence[tuple[str, str, str]]:
        """(service, address, why) of each listener that is not open yet."""
        return self.shell.unopened()

    def services(self) -> Sequence[CompiledService]:
        """What runs."""
        return [handle.current for handle in self.shell.handles.values()]

    def said(self, name: str) -> Sequence[Any]:
        """What this process says of itself."""
        shell = self.shell
        told: dict[str, Callable[[], Any]] = {
            "stalls": lambda: shell.stalls,
            "worst_stall": lambda: shell.worst_stall,
            "lost": lambda: shell.access_log.lost,
            "repeating": shell.repeating,
            "relayed": shell.relayed,
            "traces": lambda: len(shell.traces),
            "refused": lambda: 0,
            "tls": self.tls,
            "faults": dict,
        }
        return [told[name]()]

    def tls(self) -> dict[str, Any]:
        """What became of arrivals, when certificates end (Unix time), and which services lack theirs."""
        counters = self.shell.arrivals.counters
        return {
            "handshakes": counters.handshakes,
            "resumed": counters.resumed,
            "failed": dict(counters.failed),
            "ends": dict(self._ends()),
            "lacking": dict(self.shell.contexts.lacking),
        }

    def caches(self) -> Sequence[CacheFigures]:
        """There is no other process."""
        return ()

    def reasons(self) -> Sequence[str]:
        """Nothing: it serves from the start."""
        return ()

    def traces(self, limit: int) -> Sequence[Mapping[str, Any]]:
        """The last requests, newest first."""
        return [as_dict(record, self._epoch()) for record in self.shell.traces.last(limit)]

    def faults(self, limit: int) -> Sequence[Mapping[str, Any]]:
        """Those that the fault path answered."""
        return [as_dict(record, self._epoch()) for record in self.shell.traces.faults(limit)]

    def trace(self, identifier: str) -> Mapping[str, Any] | None:
        """One request by its id."""
        record = self.shell.traces.find(identifier)
        return None if record is None else as_dict(record, self._epoch())

    def _epoch(self) -> float:
        return time.time() - float(self.shell.reactor.seconds())

    def processes(self) -> Sequence[WorkerFigures]:
        """None but this one."""
        return ()

    def refreshed(self, route: str = "") -> None:
        """All is known here."""

    def cut(self, why: str) -> None:
        """While stopping: wait no longer for clients."""
        self.shell.cut(why)

    def verdict(self, address: str, check: str, alive: bool | list[object] | None) -> None:
        """The registry that serves knows it already."""

    def wake(self) -> None:
        """Verdicts have changed: there may be room for those who wait, or something to cut."""
        self.shell.queues.wake()
        if any(server.cut for server in self._registry.servers()):
            self.shell.cut_down()

    def believe(self, service: str, source: str) -> None:
        """It stands in the registry of this process already."""

    def reopen(self) -> None:
        """`logs` does it: the log of requests is ours."""


def layer7_of(
    registry: Registry,
    reactor: Any,
    access_log: AccessLog,
    traces: int,
    new_id: Callable[[], str],
    given: Callable[[Address], socket] | None = None,
) -> tuple[Certificates, Layer7]:
    """Layer 7 for this process, and before it in the order of parts the certificates that it serves.

    `given` as for `Shell`: with it this is one process of several, and another says what files are bad.
    """
    certificates = Certificates(says=given is None)
    contexts = TLSContexts(certificates.store.pairs, certificates.challenges)
    certificates.changed = contexts.renew
    shell = Shell(reactor, access_log, traces, given, contexts)
    return certificates, Layer7(registry, shell, new_id, certificates.store.ends)


def compile_services(configuration: Configuration, registry: Registry) -> list[CompiledService]:
    """One site per layer-7 service; `registry` must run the same configuration."""
    return [_site(service, configuration, registry) for service in configuration.l7]


def _site(service: L7Service, configuration: Configuration, registry: Registry) -> CompiledService:
    live = registry.services[f"l7:{service.name}"]
    own = [rule for rule in configuration.rules if rule.service == service.name]
    limits = service.limits
    return CompiledService(
        service,
        registry,
        live,
        compile_rules(own, live.rule),
        FaultPath(service, configuration.rules, configuration.pages, registry).targets,
        configuration.settings.name,
        Limits(limits.line, limits.header, limits.fields, limits.body),
    )

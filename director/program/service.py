"""The composition root: one configuration becomes one running director.

`DirectorService` makes the parts and says in which order they start, and every change of what runs passes
through here, whoever wants it:

    SIGHUP, API, command  ->  reload  ->  read (a thread)  --.
    start                 ->  read    -----------------------+->  Candidate  ->  Parts.take  ->  in force
    API, command          ->  apply, undo  ------------------'

One goes after the other, so nothing changes between the moment when a candidate is held against what runs
and the one when it runs itself.  Reading takes long and needs nothing that changes: files, syntax, the
users' own schedulers, the rehearsal of `[test:...]`.  What operators changed is laid over it afterwards, on
the loop.  Then `parts` carries it through: checked by all, prepared by all, committed by all, or by none.
The answer is given when it is in force (layer 4's rules are in the kernel, too) and kept in the store; one
that could not be kept says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any, cast

from attrs import asdict
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredLock, maybeDeferred, succeed
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from director.admin.control import Applied, ConfirmWithin, Rehearsed, Succeeded
from director.admin.service import AdminService
from director.config.text.messages import Problem, render
from director.errors import ConfigError, DirectorError
from director.health.io.passive import PassiveChecks
from director.health.io.service import HealthService
from director.model.settings import Configuration
from director.program import banner
from director.program.acme import AcmePart
from director.program.candidate import Candidate
from director.program.certificates import Certificates
from director.program.configuration import read
from director.program.confirmation import Confirmation
from director.program.control import RunningControl, Verbs
from director.program.demos import Demos
from director.program.drills import Drills
from director.program.guards import Guards
from director.program.health_memory import HealthMemory
from director.program.identifiers import identifiers, new_run
from director.program.layer4 import Layer4
from director.program.layer7 import Layer7, layer7_of
from director.program.listen_alerts import ListenAlerts
from director.program.logs import Logs, event_log
from director.program.memory import settle_memory
from director.program.parts import Part, Parts
from director.program.pool_alerts import PoolAlerts
from director.program.processes.adoption import Adoption, adoption
from director.program.processes.counts import counts
from director.program.processes.crew import Crew, Shared
from director.program.processes.how_many import processes
from director.program.processes.layer4_apart import Layer4Apart
from director.program.processes.orphan import dismiss, relieved
from director.program.processes.workers import Workers
from director.program.replay import REPLAYED, replay_of
from director.program.running import Running, announce_reload
from director.program.services import AdminPart, Health, Verdicts
from director.program.signals import Signals
from director.program.state_directory import StateDirectory
from director.program.supervision import Supervision
from director.program.surroundings import load_early, raise_descriptor_limit
from director.program.upgrade.heritage import Heritage
from director.program.upgrade.starting import starting
from director.program.upgrade.upgrade import FAREWELL, Upgrade
from director.registry.books import MappedBooks
from director.registry.changes import Change
from director.registry.io.segment import Segment
from director.registry.registry import RealServer
from director.registry.reports import ListenerState
from director.store.io.file import FileStore
from director.store.io.place import Owner

_log = Logger(namespace="director")


class DirectorService(Service):
    """One running director.

    Args:
        path: the ini, for reloads.
        candidate: what came of reading it; it has a configuration.
        reactor: Twisted's reactor.
        owner: who the process will be after the start (`twistd --uid`); None = who it is.
        heritage: what the program before left, when this one takes its place (`upgrade`).
    """

    def __init__(
        self,
        path: str,
        candidate: Candidate,
        reactor: Any,
        owner: Owner | None = None,
        heritage: Heritage | None = None,
    ) -> None:
        configuration = candidate.require()
        settings = configuration.settings
        self.path = path
        self.reactor = reactor
        self.settings = settings
        self.state_dir = Path(settings.state_dir)
        self._first = candidate
        self.serves = False
        self._changing = DeferredLock()
        random = Random()
        count = processes(configuration, owner)
        self.logs = Logs(settings, reactor, elsewhere=count > 0)
        left = self._heritage = heritage or Heritage()
        self.state = StateDirectory(self.state_dir, owner, left.take)
        adopted = self._adoption = Adoption() if left.pending else adoption(configuration, count)
        segment, books = counts(count, adopted.segment, adopted.given)
        self.current = Running(candidate, FileStore(self.state_dir, reactor), reactor, random, books)
        self.registry = self.current.registry
        before = self._serve(count, segment, books, random)
        self.listening = ListenAlerts(self.registry, self.traffic, reactor)
        refreshed = self.traffic.refreshed
        self.confirmation = Confirmation(self.registry, reactor, self._take_back, refreshed)
        self.drills = Drills(self.registry, self.traffic, self.layer4, self, reactor, random)
        health = self._judge_servers()
        self._make_admin(configuration)
        self._upgrade = Upgrade(reactor, starting(), self.confirmation.waiting, self._away)
        self.parts = Parts(
            (
                self.logs,
                self.state,
                self._guards,
                self.current,
                health,
                AdminPart(self.admin),
                Demos(reactor, left.demo),
                PoolAlerts(self.registry, reactor.seconds),
                self.layer4,
                AcmePart(reactor, self.state_dir, random, lambda: self.serves),
                *before,
                self.traffic,
                self.listening,
                self.confirmation,
                self.drills,
                self._upgrade,
            )
        )
        self._upgrade.learn(self.parts)
        self._supervision = Supervision()
        self._signals = Signals(
            reactor, self._reload_by_signal, self._reopen_logs, self._upgrade_by_signal, self._stop_by_signal
        )
        self._loops: list[LoopingCall] = []

    def _make_admin(self, configuration: Configuration) -> None:
        self.control = RunningControl(
            self.path,
            self.current,
            self.traffic,
            self.health,
            self.layer4,
            self.reactor,
            Verbs(self.apply, self.reload, self.rehearse, self.undo, self.upgrade, self._consider),
            self._admin_listeners,
            self.listening,
            self.confirmation,
            self.passive.judge,
            self.drills,
        )
        listen = configuration.admin.listen if configuration.admin is not None else None
        left = self._heritage.admin
        self.admin = AdminService(self.control, listen, self.state_dir, self.reactor, left)

    def _judge_servers(self) -> Health:
        """Checks, active and passive, whose verdicts go to all processes; and what guards servers."""
        reactor = self.reactor
        judged: Any = Verdicts(self.registry, self.traffic, self.layer4)
        self.health = HealthService(judged, reactor, reactor.seconds, self._health_changed)
        self.passive = PassiveChecks(judged, reactor.seconds, self._health_changed)
        self.registry.saw = self.passive.saw
        for crew in (self.traffic, self.layer4):
            if isinstance(crew, Crew):
                crew.saw = self.passive.heard
        self._guards = Guards(self.registry, reactor.seconds)
        memory = HealthMemory(self.health, self.state_dir, reactor, self.passive)
        return Health(self.health, self.passive, self.registry, memory)

    def _serve(
        self, count: int, segment: Segment | None, books: MappedBooks | None, random: Random
    ) -> tuple[Part, ...]:
        """Both layers, here or in processes; returns the parts that go before layer 7."""
        settings, access, reactor = self.settings, self.logs.access, self.reactor
        self.traffic: Layer7 | Workers
        self.layer4: Layer4 | Layer4Apart
        if segment is None or books is None:
            self.layer4 = Layer4(self.registry, reactor, settings.name, self.state_dir, random)
            certificates, self.traffic = layer7_of(
                self.registry, reactor, access, settings.trace, identifiers(new_run())
            )
            self.traffic.shell.inherited = self._heritage.address
            return (certificates,)
        shared = Shared(self.current, segment, books, settings, count, self._adoption)
        certificates = Certificates()
        # Either the program before left them, or workers that go on here.
        entrance = (self._adoption if self._adoption.pids else self._heritage).entrance
        log, store = access.target, certificates.store
        workers = self.traffic = Workers(shared, reactor, new_run(), log, store, entrance)
        self.layer4 = Layer4Apart(shared, reactor, workers.room)
        return (certificates,)

    # -- life --

    def privilegedStartService(self) -> None:
        """Prepare and bind; raises DirectorError or OSError with a sentence that says what to do."""
        raise_descriptor_limit()
        load_early()
        self._signals.listen()
        self.logs.open()
        self.state.take()
        if isinstance(self.traffic, Layer7):
            dismiss(self.state_dir)
        self.current.overrides.load()
        outcome: list[Any] = []
        self._take(self._first, "start").addBoth(outcome.append)
        if outcome and isinstance(outcome[0], Failure):
            outcome[0].raiseException()

    def startService(self) -> None:
        """Serve."""
        super().startService()
        started = relieved(self.state_dir, self.reactor, self._adoption.pids)
        given = self.reactor, self.parts, self.traffic.reasons, self.state_dir
        started.addCallback(lambda _: self._heritage.start(*given))
        for chore, period in (*self.parts.chores(), *self._supervision.chores()):
            loop = LoopingCall(chore)
            loop.clock = self.reactor
            loop.start(period, now=False)
            self._loops.append(loop)
        self.reactor.callWhenRunning(self._signals.listen_to_ends)
        self.reactor.callWhenRunning(settle_memory)
        started.addCallbacks(lambda _: self._ready(), self._not_ready)

    def _not_ready(self, failure: Failure) -> None:
        """The program before goes on."""
        self._heritage.refuse(failure)
        if not self.control.stopping:
            self._stop_by_signal()

    def upgrade(self, author: str) -> Deferred[Succeeded]:
        """Let a new program take this one's place; fires when it serves.  Fails with DirectorError."""
        return self._changing.run(self._upgrade.run, author)

    def _away(self, pid: int) -> None:
        """Another process is the director now."""
        self._heritage.pidfile.give_up()
        self._supervision.succeeded(pid)
        self.reactor.callLater(FAREWELL, self._stop_by_signal)

    def _ready(self) -> None:
        self.serves = True
        self._adoption.over(self.state_dir)
        _log.info("{text}", text="\n".join(self._greeting()))
        self._supervision.ready()

    def stopService(self) -> Deferred[Any]:
        """Stop accepting, let requests end for `shutdown_grace`, then stop everything else."""
        self.control.stopping = True
        self._heritage.give_back(self.parts)
        self._supervision.stopping()
        for loop in self._loops:
            loop.stop()
        self._loops.clear()
        stopped: Deferred[Any] = maybeDeferred(super().stopService)
        return stopped.addCallback(lambda _: self._knowing_clients(self._stop_parts))

    def _stop_parts(self) -> Deferred[None]:
        _log.info(
            "stopping: {count} client connection(s) may end within {grace:g}s",
            count=self.traffic.clients,
            grace=self.settings.shutdown_grace,
        )
        return self.parts.stop(self.settings.shutdown_grace)

    def _knowing_clients(self, then: Callable[[], Any]) -> Any:
        """Do something once it is known how many clients all processes have."""
        refreshed = self.traffic.refreshed()
        return then() if refreshed is None else refreshed.addBoth(lambda _: then())

    def _stop_by_signal(self, *, in_person: bool = False) -> None:
        """End with status 0.

        A second SIGINT is from a person who will not wait; a second SIGTERM may be from a supervisor that
        sends one to each process it knows, and changes nothing.
        """
        if not self.control.stopping:
            self.control.stopping = True
            self.reactor.stop()
        elif in_person:
            self.traffic.cut("are cut by a second SIGINT")
        else:
            self._knowing_clients(self._say_left)

    def _say_left(self) -> None:
        count = self.traffic.clients
        _log.info("stopping already, {count} client connection(s) left; SIGINT cuts them", count=count)

    def _reopen_logs(self) -> None:
        self.logs.reopen()
        self.traffic.reopen()

    def _greeting(self) -> Iterator[str]:
        waiting = {(name, address) for name, address, _ in self.traffic.unopened()}
        opened = [one[:2] for one in self.traffic.listeners() if one[:2] not in waiting]
        served = [f"{name}={address}" for name, address in opened]
        served += [f"{one.service}={one.address}" for one in self.layer4.listeners() if one.bound]
        yield banner.ready(self.settings.name, served)
        yield from banner.to_try(self.registry.configuration)
        yield from banner.to_look(self.admin, self.state_dir, in_sight=banner.in_sight(event_log.target))

    # -- changes --

    def apply(self, changes: Iterable[Change], author: str, origin: str = "") -> Deferred[Applied]:
        """Apply changes and let every part follow; fires when they are in force.

        Fails with ChangeRefused, and everything is as it was.
        """
        return self._changing.run(self._changed, lambda: tuple(changes), author, origin)

    def _consider(self, changes: Iterable[Change], author: str) -> None:
        """What `apply` would be refused for by guards.  Raises ChangeRefused."""
        self._guards.check(self.current.of_changes(changes, author))

    def undo(self, number: int, author: str, origin: str = "") -> Deferred[Applied]:
        """Take a generation back, and nothing that came after it.  Fails with ChangeRefused.

        A reload that waits for its confirmation is taken back as if nobody had confirmed it.
        """
        waiting = self.confirmation.waiting()
        if waiting is not None and waiting.number == number:
            return self.confirmation.take_back(author, origin)
        changes = lambda: self.current.overrides.undoing(number)  # noqa: E731 - looked at in its turn
        return self._changing.run(self._changed, changes, author, origin)

    def _changed(
        self, changes: Callable[[], tuple[Change, ...]], author: str, origin: str
    ) -> Deferred[Applied]:
        return self._carry(self.current.of_changes(changes(), author, origin))

    def reload(
        self, author: str, origin: str = "", confirm: ConfirmWithin | None = None
    ) -> Deferred[Applied]:
        """Read the file again, off the loop, and apply what changed; one reload after the other.

        Fails with ConfigError, ChangeRefused or BindError, and everything is as it was.
        """
        done: Deferred[Applied] = self._changing.run(self._reload_once, author, origin, confirm)
        return done.addCallback(announce_reload).addBoth(self._count_reload)

    def _count_reload(self, result: Any) -> Any:
        self.control.reloaded["refused" if isinstance(result, Failure) else "done"] += 1
        return result

    def rehearse(self, author: str) -> Deferred[Rehearsed]:
        """What a reload would change, and for which of the last requests; fails as `reload` would fail."""
        return self._changing.run(self._rehearse_once, author)

    def _reload_once(self, author: str, origin: str, confirm: ConfirmWithin | None) -> Deferred[Applied]:
        return self._read().addCallback(self._reloaded_with, author, origin, confirm)

    def _reloaded_with(
        self, read_now: Candidate, author: str, origin: str, confirm: ConfirmWithin | None
    ) -> Deferred[Applied]:
        waiting = self.confirmation.before(self.current.candidate, author, confirm)
        return self._take(read_now, author, origin).addCallback(self.confirmation.after, waiting)

    def _take_back(self, base: Candidate, author: str, origin: str) -> Deferred[Applied]:
        """What ran before a reload that nobody confirmed."""
        base.files.against(self.current.candidate.files)
        return self._changing.run(self._take, base, author, origin)

    def _rehearse_once(self, author: str) -> Deferred[Rehearsed]:
        return self._read().addCallback(self._rehearsed, author)

    def _rehearsed(self, read_now: Candidate, author: str) -> Deferred[Rehearsed]:
        candidate = self.current.of_file(read_now, author)
        self.parts.rehearse(candidate)
        known = self.traffic.refreshed("requests") or succeed(None)
        return known.addCallback(lambda _: self._replayed(candidate))

    def _replayed(self, candidate: Candidate) -> Deferred[Rehearsed]:
        now = self.registry.configuration, self.current.candidate.files
        wanted = candidate.desired, candidate.files
        requests = list(self.traffic.traces(REPLAYED))
        pool = self.reactor.getThreadPool()
        replaying = deferToThreadPool(self.reactor, pool, replay_of, now, wanted, requests)
        return replaying.addCallback(lambda found: Rehearsed(candidate.changes, **asdict(found)))

    def _read(self) -> Deferred[Candidate]:
        pool = self.reactor.getThreadPool()
        before = self.current.candidate.files
        reading: Deferred[Candidate] = deferToThreadPool(self.reactor, pool, read, self.path, before)
        return reading

    def take(self, read_now: Candidate, author: str) -> Deferred[Applied]:
        """Make what was read the running configuration.  Fails as `reload` fails.

        What arrives after the result fired meets the new configuration only.
        """
        return self._changing.run(self._take, read_now, author)

    def _take(self, read_now: Candidate, author: str, origin: str = "") -> Deferred[Applied]:
        carried: Deferred[Candidate] = maybeDeferred(self.current.of_file, read_now, author, origin)
        return carried.addCallback(self._carry).addErrback(self._not_taken)

    def _carry(self, candidate: Candidate) -> Deferred[Applied]:
        return self.parts.take(candidate).addCallback(lambda _: self.current.applied)

    def _not_taken(self, failure: Failure) -> Failure:
        """Say why when it was foreseen."""
        error: Any = failure.value
        if isinstance(error, ConfigError):
            text = render(cast("tuple[Problem, ...]", error.problems))
            _log.error("the configuration is refused, the running one goes on:\n{text}", text=text)
        elif failure.check(DirectorError, OSError):
            why = failure.getErrorMessage()
            _log.error("the configuration cannot be applied, the running one goes on: {why}", why=why)
        return failure

    def _reload_by_signal(self) -> None:
        self.reload("SIGHUP").addErrback(_not_reloaded)

    def _upgrade_by_signal(self) -> None:
        # It was said why.
        self.upgrade("SIGUSR2").addErrback(_not_reloaded)

    def _admin_listeners(self) -> Iterable[ListenerState]:
        """The admin knows them, and is made with the control that tells them."""
        return self.admin.listeners()

    def _health_changed(self, servers: tuple[RealServer, ...]) -> None:
        if servers:
            self.traffic.wake()


def _not_reloaded(failure: Failure) -> None:
    """It was said why when the refusal was foreseen."""
    if failure.check(DirectorError, OSError) is None:
        _log.failure("the reload failed; the running configuration goes on", failure=failure)

"""The composition root: one configuration becomes one running director.

`DirectorService` makes the registry and the shells of all rooms, starts and stops them in order, and is
the only place where a change reaches all of them: registry first, then what follows from it.
A reload is prepared completely (read, checked, rehearsed, addresses bound) before anything running
changes; what cannot be applied leaves everything as it was.
"""

from __future__ import annotations

import gc
import itertools
import resource
import secrets
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, DeferredLock, maybeDeferred, succeed
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from director import plugins
from director.admin.service import SOCKET_FILE, AdminService
from director.config.loaded import Loaded
from director.config.text.messages import render
from director.demo.servers import DemoService
from director.errors import ChangeRefused, ConfigError, DirectorError
from director.health.io.service import HealthService
from director.l7.io.access_log import AccessLog
from director.l7.io.service import Shell
from director.model.settings import Configuration, Demo
from director.program import banner
from director.program.configuration import read
from director.program.control import RunningControl
from director.program.layer4 import LOOK, Layer4
from director.program.layer7 import compile_services
from director.program.logs import event_log
from director.program.overrides import Orders
from director.program.pool_alerts import PoolWatch
from director.registry.changes import Change, SchedulersRead, plan
from director.registry.counters import ESTIMATOR_PERIOD
from director.registry.registry import SWEEP_PERIOD, Generation, RealServer, Registry
from director.registry.reports import ListenerState
from director.scheduling.catalog import Catalog
from director.scheduling.custom import Note
from director.store.io.place import Place

COLLECT_AFTER = 20_000
"""New containers between two looks for cycles; 700, as Python has it, are fifty requests."""

_log = Logger(namespace="director")


class DirectorService(MultiService):
    """One running director.

    Args:
        path: the ini, for reloads.
        loaded: what came of reading it; it has a configuration.
        reactor: Twisted's reactor.
    """

    def __init__(self, path: str, loaded: Loaded, reactor: Any) -> None:
        super().__init__()
        configuration = loaded.require()
        settings = configuration.settings
        self.path = path
        self.reactor = reactor
        self.settings = settings
        self.state_dir = Path(settings.state_dir)
        self._place = Place(self.state_dir)
        self._random = Random()
        self._reloading = DeferredLock()
        self._orders = Orders(self.state_dir, reactor)
        self._catalog = self._make_catalog(configuration)
        self.registry = Registry(self._make_scheduler)
        self._watch = PoolWatch(self.registry)
        epoch = time.time() - reactor.seconds()
        # A daemon has no standard output: there, access records go where the events go.
        target = settings.access_log
        if target == "stdout" and event_log.target != "-":
            target = event_log.target
        self.access_log = AccessLog(target, settings.log, epoch, reactor)
        self.shell = Shell(reactor, self.access_log, settings.trace)
        self.health = HealthService(self.registry, reactor, reactor.seconds, self._health_changed)
        self.layer4 = Layer4(self.registry, reactor, settings.name, self.state_dir, self._random)
        self.control = RunningControl(
            path,
            loaded,
            self.registry,
            self.shell,
            self.health,
            self.layer4,
            self._orders,
            reactor,
            self.apply,
            self.reload,
            self._admin_listeners,
        )
        listen = configuration.admin.listen if configuration.admin is not None else None
        self.admin = AdminService(self.control, listen, self.state_dir, reactor)
        self.demos: dict[Demo, DemoService] = {}
        for part in (self.health, self.admin):
            part.setServiceParent(self)
        run = secrets.token_hex(3)
        # One call of C code for each request.
        self._new_id = map(f"{run}-%x".__mod__, itertools.count(1)).__next__
        self._loops = [
            (LoopingCall(self._sweep), SWEEP_PERIOD),
            (LoopingCall(self._estimate), ESTIMATOR_PERIOD),
            (LoopingCall(self._look), LOOK),
        ]

    # -- life --

    def privilegedStartService(self) -> None:
        """Prepare and bind; raises DirectorError or OSError with a sentence that says what to do."""
        raise_descriptor_limit()
        self._listen_to_orders()
        event_log.open()
        self._place.take()
        self._place.forget_socket(SOCKET_FILE)
        event_log.form = self.settings.log
        self.access_log.start()
        self._orders.read()
        self._install(self.control.loaded, "start")
        super().privilegedStartService()

    def startService(self) -> None:
        """Serve."""
        super().startService()
        self.shell.start()
        captured = self.layer4.follow(self.registry.configuration)
        for loop, period in self._loops:
            loop.clock = self.reactor
            loop.start(period, now=False)
        self.reactor.callWhenRunning(self._listen_to_signals)
        self.reactor.callWhenRunning(settle_memory)
        captured.addCallback(lambda _: _log.info("{text}", text="\n".join(self._greeting())))

    def stopService(self) -> Deferred[Any]:
        """Stop accepting, let requests end for `shutdown_grace`, then stop everything else."""
        self.control.stopping = True
        _log.info(
            "stopping: {count} client connection(s) may end within {grace:g}s",
            count=self.shell.clients,
            grace=self.settings.shutdown_grace,
        )
        drained = self.shell.stop(self.settings.shutdown_grace)
        return drained.addBoth(lambda _: self._stop_rest())

    def _stop_rest(self) -> Deferred[Any]:
        for loop, _ in self._loops:
            if loop.running:
                loop.stop()
        done = self.layer4.stop().addBoth(lambda _: maybeDeferred(super(DirectorService, self).stopService))
        return done.addBoth(self._stopped)

    def _stopped(self, result: Any) -> Any:
        self._place.leave()
        self.shell.settle()
        self.access_log.stop()
        _log.info("stopped")
        event_log.stop()
        return result

    def _listen_to_orders(self) -> None:
        """From before the first address is bound: unheard, either signal would end the process."""
        later = self.reactor.callFromThread
        signal.signal(signal.SIGHUP, lambda *_: later(self._reload_by_signal))
        signal.signal(signal.SIGUSR1, lambda *_: later(self._reopen_logs))

    def _listen_to_signals(self) -> None:
        """The reactor sets its own for these when it begins to run."""
        later = self.reactor.callFromThread
        signal.signal(signal.SIGTERM, lambda *_: later(self._stop_by_signal))
        signal.signal(signal.SIGINT, lambda *_: later(self._stop_by_signal, in_person=True))

    def _stop_by_signal(self, *, in_person: bool = False) -> None:
        """End with status 0.

        A second SIGINT is from a person who will not wait; a second SIGTERM may be from a supervisor that
        sends one to each process it knows, and changes nothing.
        """
        if not self.control.stopping:
            self.control.stopping = True
            self.reactor.stop()
        elif in_person:
            self.shell.cut("are cut by a second SIGINT")
        else:
            count = self.shell.clients
            _log.info("stopping already, {count} client connection(s) left; SIGINT cuts them", count=count)

    def _reopen_logs(self) -> None:
        for name, one in (("access log", self.access_log), ("event log", event_log)):
            try:
                if one.reopen():
                    _log.info("the {name} is opened anew", name=name)
            except OSError as error:
                why = error.strerror
                _log.error("the {name} cannot be reopened: {why}; the old file goes on", name=name, why=why)

    def _greeting(self) -> Iterator[str]:
        served = [f"{name}={address}" for name, address, _ in self.shell.listeners()]
        served += [f"{one.service}={one.address}" for one in self.layer4.listeners() if one.bound]
        yield banner.ready(self.settings.name, served)
        yield from banner.to_try(self.registry.configuration)
        yield from banner.to_look(self.admin, self.state_dir, in_sight=banner.in_sight(event_log.target))

    # -- changes --

    def apply(self, changes: Iterable[Change], author: str) -> Generation:
        """Apply changes of the registry and let every part follow.  Raises ChangeRefused."""
        changes = tuple(changes)
        made = self.registry.apply(changes, author, self.reactor.seconds(), time.time())
        self._orders.note(changes)
        self._follow()
        self._announce(made)
        return made

    def reload(self, author: str) -> Deferred[Generation]:
        """Read the file again, off the loop, and apply what changed; one reload after the other.

        Fails with ConfigError, ChangeRefused or BindError, and everything is as it was.
        """
        done: Deferred[Generation] = self._reloading.run(self._reload_once, author)
        return done.addCallback(self._reloaded).addBoth(self._count_reload)

    def _count_reload(self, result: Any) -> Any:
        self.control.reloaded["refused" if isinstance(result, Failure) else "done"] += 1
        return result

    def _reload_once(self, author: str) -> Deferred[Generation]:
        pool = self.reactor.getThreadPool()
        reading: Deferred[Loaded] = deferToThreadPool(self.reactor, pool, read, self.path)
        return reading.addCallback(self.take, author)

    def take(self, loaded: Loaded, author: str) -> Deferred[Generation]:
        """Make what was read the running configuration.  Fails as `reload` fails.

        What arrives after the result fired meets the new configuration only.
        """
        done: Deferred[Any] = maybeDeferred(self._prepare, loaded)
        return done.addCallback(lambda _: self._install(loaded, author)).addErrback(self._not_taken)

    def _prepare(self, loaded: Loaded) -> Deferred[None]:
        """Prove that it can run, and let the kernel be ready for it, while the one of before serves."""
        if loaded.configuration is None:
            _log.error(
                "the configuration is refused, the running one goes on:\n{text}", text=render(loaded.problems)
            )
            raise ConfigError(loaded.problems)
        self._refuse_what_needs_a_restart(loaded.configuration)
        over, _ = self._orders.over(loaded.configuration)
        old = self._catalog
        self._catalog = self._make_catalog(loaded.configuration)
        try:
            self.registry.proven(self._changes(over), self.reactor.seconds())
            self.layer4.check(over)
        finally:
            self._catalog = old
        return self.layer4.prepare(over)

    def _not_taken(self, failure: Failure) -> Deferred[Generation]:
        """Say why when it was foreseen; the kernel goes back to what is served."""
        if failure.check(DirectorError, OSError) and not failure.check(ConfigError):
            why = failure.getErrorMessage()
            _log.error("the configuration cannot be applied, the running one goes on: {why}", why=why)
        back: Deferred[Any] = self._follow()
        return back.addCallback(lambda _: failure)

    def _install(self, loaded: Loaded, author: str) -> Deferred[Generation]:
        """Make a configuration the running one, or leave everything as it was."""
        configuration = loaded.require()
        self._refuse_what_needs_a_restart(configuration)
        over, stale = self._orders.over(configuration)
        old = self._catalog
        self._catalog = self._make_catalog(configuration)
        try:
            self.layer4.check(configuration)
            self.shell.prepare(configuration.l7, {one.virtual.host for one in configuration.l4})
            made = self.registry.apply(self._changes(over), author, self.reactor.seconds(), time.time())
        except Exception:
            self._catalog = old
            self.shell.abandon()
            raise
        self.control.loaded = loaded
        self._orders.settle(configuration, stale)
        self._install_demos(configuration)
        self.shell.apply(compile_services(self.registry.configuration, self.registry), self._new_id)
        followed = self._follow()
        self._announce(made)
        return followed.addCallback(lambda _: made)

    def _changes(self, desired: Configuration) -> tuple[Change, ...]:
        """What makes `desired`, orders included, the running configuration."""
        changes = [
            *plan(self.registry.configuration, desired),
            *self._orders.unfulfilled(desired, self.registry),
        ]
        if self.registry.generation and desired.schedulers:
            changes.append(SchedulersRead(tuple(one.name for one in desired.schedulers)))
        return tuple(changes)

    def _install_demos(self, configuration: Configuration) -> None:
        for demo in self.demos.keys() - set(configuration.demos):
            self.demos.pop(demo).disownServiceParent()
        for demo in configuration.demos:
            if demo not in self.demos:
                self.demos[demo] = DemoService(demo, self.reactor)
                self.demos[demo].setServiceParent(self)

    def _refuse_what_needs_a_restart(self, configuration: Configuration) -> None:
        """Some settings are read at start only; saying so beats ignoring them."""
        if self.registry.generation == 0:
            return
        old, new = self.registry.configuration, configuration
        for name in ("name", "state_dir", "workers", "log", "trace", "access_log"):
            if getattr(old.settings, name) != getattr(new.settings, name):
                raise ChangeRefused("EINVAL", f"[director] {name} is read at start; restart to change it")
        if old.admin != new.admin:
            raise ChangeRefused("EINVAL", "[admin] listen is read at start; restart to change it")

    def _follow(self) -> Deferred[None]:
        """What the registry's change means for the parts; fires when the kernel has followed, too."""
        if self.health.running:
            self.health.reload(self.registry.configuration)
        followed: Deferred[None] = succeed(None)
        if self.running:
            followed = self.layer4.follow(self.registry.configuration)
        self.shell.backends.sweep(
            self.reactor.seconds(), set(self.registry.by_address) | self._local_addresses()
        )
        self.shell.queues.wake()
        return followed

    def _local_addresses(self) -> set[str]:
        services = self.registry.configuration.l7
        return {str(step.address) for one in services for step in one.fault if step.kind == "local"}

    def _announce(self, made: Generation) -> None:
        for sentence in made.diff[:20]:
            _log.info(
                "generation {number} by {author}: {what}",
                number=made.number,
                author=made.author,
                what=sentence,
            )
        if len(made.diff) > 20:
            _log.info("generation {number}: and {count} more", number=made.number, count=len(made.diff) - 20)

    def _reload_by_signal(self) -> None:
        self.reload("SIGHUP").addErrback(self._not_reloaded)

    def _reloaded(self, made: Generation) -> Generation:
        _log.info(
            "reloaded: generation {number} by {author}, {count} change(s)",
            number=made.number,
            author=made.author,
            count=len(made.diff),
        )
        return made

    def _not_reloaded(self, failure: Failure) -> None:
        """`take` has said why when the refusal was foreseen."""
        if failure.check(DirectorError, OSError) is None:
            _log.failure("the reload failed; the running configuration goes on", failure=failure)

    # -- parts --

    def _admin_listeners(self) -> Iterable[ListenerState]:
        """The admin knows them, and is made with the control that tells them."""
        return self.admin.listeners()

    def _make_catalog(self, configuration: Configuration) -> Catalog:
        return plugins.catalog(configuration.schedulers, self._scheduler_note)

    def _make_scheduler(self, spec: Any) -> Any:
        return self._catalog.make(spec, self._random)

    def _scheduler_note(self, note: Note) -> None:
        _log.error("{note}", note=str(note))

    def _health_changed(self, servers: tuple[RealServer, ...]) -> None:
        if servers:
            self.shell.queues.wake()

    def _look(self) -> None:
        """Say what began and what ended: once each."""
        self.layer4.look()
        lost, again = self._watch.look(self.reactor.seconds())
        for text in lost:
            _log.error("{text}", text=text)
        for text in again:
            _log.info("{text}", text=text)

    def _sweep(self) -> None:
        self.registry.sweep(self.reactor.seconds())
        self._orders.sweep()
        self.layer4.sweep()

    def _estimate(self) -> None:
        for server in self.registry.servers():
            server.stats.estimator.tick()
        for service in self.registry.services.values():
            service.stats.estimator.tick()


def settle_memory() -> None:
    """Let the collector look at what requests leave behind only, and less often.

    What exists after the start stays until the end, so looking through it again only costs time and makes
    pauses. A request leaves no cycle: reference counts free all of it at once.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)


def raise_descriptor_limit() -> None:
    """Use all descriptors that the system allows this process anyway."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

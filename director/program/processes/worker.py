"""The program of a process that serves: layer 7 of one worker, or layer 4.

It is started by the control process with a socket pair to it and the memory for the counts, and knows
nothing but what it is told: it reads no configuration, opens no address, writes no state.  Its registry is
a replica, which gets the same changes in the same order; its claims stand in the shared memory
(`registry.mapped`).  What it says of itself goes to the control process's log.

    begin    what runs, and go            verdict  what a check found
    prepare  changes, and new sockets     room     somebody may wait for a place that is free now
    commit   follow them                  figures, traces, trace   what was counted and remembered
    abandon  forget them                  beat     are you there?
    reopen   the log was rotated          stop, cut, retire        the end

When the control process dies it serves on with what it knows; see `orphans`.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.logger import ILogObserver, Logger, LogLevel, formatEvent, globalLogBeginner
from twisted.python.failure import Failure
from zope.interface import implementer

from director import plugins
from director.errors import DirectorError
from director.l7.io.access_log import AccessLog
from director.l7.io.listener import bound_to
from director.l7.io.service import Shell
from director.l7.proxy.trace import as_dict
from director.model.pools import Address
from director.plugins import UserFiles
from director.program.candidate import Candidate
from director.program.identifiers import identifiers
from director.program.layer7 import Layer7
from director.program.parts import Part, Parts
from director.program.processes.channel import Channel
from director.program.processes.figures import Meter
from director.program.processes.sockets import name
from director.program.running import Schedulers
from director.registry.cells import Table
from director.registry.changes import Change
from director.registry.io.segment import attach
from director.registry.mapped import Given, MappedBooks
from director.registry.registry import Registry
from director.store.values import unpacked

CHANNEL, SEGMENT = 3, 4
"""The descriptors that the control process gives."""
TICK = 1.0
"""Seconds between two looks at what the counts owe."""
EARLY_LINES = 100

_log = Logger(namespace="director.worker")


@implementer(ILogObserver)
class Relay:
    """Sends what is said here to the control process; to standard error when that is gone."""

    def __init__(self) -> None:
        self.channel: Channel | None = None

    def __call__(self, event: dict[str, Any]) -> None:
        """Take one event of twisted.logger."""
        level = event.get("log_level", LogLevel.info)
        namespace = str(event.get("log_namespace", "-"))
        if level == LogLevel.debug or (level == LogLevel.info and not namespace.startswith("director")):
            return
        text = formatEvent(event).strip()
        failure = event.get("log_failure")
        if failure is not None:
            text += "\n" + failure.getTraceback()
        stamp = float(event.get("log_time") or time.time())
        channel = self.channel
        if channel is not None and channel.transport is not None and channel.transport.connected:
            channel.tell("event", [stamp, level.name, namespace, text])
        else:
            with contextlib.suppress(OSError):
                os.write(2, f"{text}\n".encode("utf-8", "backslashreplace"))


class WorkerProgram:
    """One worker.

    Attributes:
        channel: to the control process.
    """

    def __init__(self, reactor: Any, table: Callable[[int], Table]) -> None:
        self.reactor = reactor
        self._table = table
        self._parts = Parts(())
        self._prepared: Candidate | None = None
        self._applied = 0
        self._stopping = False
        words = (
            "begin", "prepare", "commit", "abandon", "verdicts", "room", "figures", "traces", "trace", "beat",
            "reopen", "stop", "cut",
        )  # fmt: skip
        self.channel = Channel({word: getattr(self, f"_{word}") for word in words}, self._alone)

    # -- life --

    def _begin(self, told: dict[str, Any]) -> Deferred[Any]:
        """Serve what is told."""
        column, processes = told["column"], told["processes"]
        settings = unpacked(told["settings"])
        self._epoch = time.time() - self.reactor.seconds()
        with contextlib.suppress(OSError):
            Path("/proc/self/comm").write_text(f"director-{told['index']}", encoding="ascii")
        self.books = MappedBooks(
            self._table(column), room=lambda pool: self.channel.tell("room", pool), processes=processes
        )
        self._schedulers = Schedulers(Random())
        self.registry = Registry(self._schedulers.make, self.books)
        self.access_log = AccessLog(told["access_log"], settings.log, self._epoch, self.reactor, shared=True)
        self.access_log.start()
        self.shell = Shell(self.reactor, self.access_log, settings.trace, self._socket)
        layer7 = Layer7(self.registry, self.shell, identifiers(f"{told['run']}{column:02x}"))
        self._meter = Meter(self.registry)
        self._parts = Parts((_Replica(self), layer7))
        self.books.learn(map(_given, told["given"]))
        self._verdicts(told["verdicts"])
        return self._taken(told).addCallback(self._begun)

    def _begun(self, _: None) -> dict[str, Any]:
        self._verdicts_again()
        self._parts.start()
        self._tick()
        return {"pid": os.getpid()}

    def _taken(self, told: dict[str, Any]) -> Deferred[None]:
        return self._parts.take(self._candidate(told))

    def _tick(self) -> None:
        self.books.tick()
        self.registry.sweep(self.reactor.seconds())
        self.reactor.callLater(TICK, self._tick)

"""Workers in the loop of a test: the same programs over the same channels, without processes."""

from __future__ import annotations

import os
import socket
from functools import partial
from typing import Any

from twisted.internet.protocol import Factory

from director.program.processes.channel import Channel
from director.program.processes.follower import Follower
from director.program.processes.layer4_program import Layer4Program
from director.program.processes.process import Process
from director.program.processes.relay import Relay
from director.program.processes.worker import WorkerProgram

PROGRAMS: dict[str, type[Follower]] = {one.__module__: one for one in (WorkerProgram, Layer4Program)}


class InLoop(Process):
    """A process that is none; `end` is what SIGKILL would do."""

    program: Any

    def spawn(self, segment: int) -> None:
        mine, theirs = socket.socketpair()
        self.program = PROGRAMS[self._module](Stoppable(self._reactor), os.dup(segment), Relay())
        for end, sock in ((self.channel, mine), (self.program.channel, theirs)):
            sock.setblocking(False)
            factory = Factory.forProtocol(partial(_same, end))
            self._reactor.adoptStreamConnection(sock.fileno(), socket.AF_UNIX, factory)
            sock.close()

    @property
    def pid(self) -> int:
        return 4242

    def kill(self) -> None:
        self.end("by SIGKILL")

    def end(self, why: str) -> None:
        """It is not there any more."""
        self.begun = False
        self.program.dead = True
        self.channel.close()
        self._ended(self, why)
        self.over.callback(None)


class Stoppable:
    """The test's reactor, which a worker may stop without stopping the test."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self.stopped = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def stop(self) -> None:
        self.stopped = True


def _same(end: Channel) -> Channel:
    return end

"""The embedded demo servers as a part (composition)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from socket import socket
from typing import Any, cast

from twisted.internet.defer import Deferred, maybeDeferred, succeed

from director.demo.servers import DemoService
from director.model.settings import Demo
from director.program.candidate import Candidate
from director.program.parts import Part, all_of

DEMO = "demo "
"""How the names of sockets begin in a bequest."""


class Demos(Part):
    """One server for each `[demo:NAME]`."""

    def __init__(self, reactor: Any, inherited: Callable[[str], socket | None] = lambda _name: None) -> None:
        """`inherited` has the sockets that the program before left."""
        self._reactor = reactor
        self._inherited = inherited
        self._started = self._handed_on = False
        self._running: dict[Demo, DemoService] = {}

    def commit(self, candidate: Candidate) -> None:
        """Stop those that went, start those that came."""
        wanted = candidate.desired.demos
        for demo in self._running.keys() - set(wanted):
            self._running.pop(demo).stopService()
        for demo in wanted:
            if demo not in self._running:
                left = self._inherited(str(demo.listen))
                self._running[demo] = DemoService(demo, self._reactor, left)
                if self._started:
                    self._running[demo].startService()

    def start(self) -> None:
        """Listen."""
        self._started = True
        for one in self._running.values():
            one.startService()

    def bequest(self) -> Mapping[str, int]:
        """The listening sockets."""
        open_now = [one for one in self._running.values() if one.port is not None]
        return {DEMO + str(one.demo.listen): one.port.fileno() for one in open_now}

    def let_go(self) -> None:
        """Another program accepts from them, too."""
        self._handed_on = True

    def go_on(self) -> None:
        """It does not."""
        self._handed_on = False

    def stop(self, grace: float) -> Deferred[None]:
        """Close all; those that another program has end with the process, so that their paths stay."""
        self._started = False
        if self._handed_on:
            for one in self._running.values():
                one.rest()
            return succeed(None)
        ended: list[Any] = [maybeDeferred(cast("Any", one.stopService)) for one in self._running.values()]
        return all_of(ended)

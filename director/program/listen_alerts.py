"""Listeners that clients cannot reach yet: said once when it begins, once when it is over (composition).

A standby listens on addresses that it gets when it takes over, and on ports that what it replaces still has;
an endpoint may not be ready at a start: none of it is a reason not to serve the rest.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from twisted.logger import Logger

from director.model.settings import Configuration
from director.program.candidate import Candidate
from director.program.parts import Chore, Part
from director.program.traffic import TrafficView
from director.registry.registry import Registry

EVERY = 1.0
"""Seconds between two looks."""
_ANY_PORT = 9
_EVERYWHERE = frozenset({"", "0.0.0.0", "::"})
_LACKING = "this machine does not have that address; clients reach it once it does (ip address add)"

_log = Logger(namespace="director.listener")

Listener = tuple[str, str]
"""A service (`l7:NAME`) and one of its addresses."""


def has_address(host: str) -> bool:
    """Whether this machine has the address, or has a route that makes it its own; nothing is sent.

    A bind tells, but not with `ip_nonlocal_bind`, as a standby may have it: then what is its own is reached
    from itself.
    """
    family, version = (socket.AF_INET6, "ipv6") if ":" in host else (socket.AF_INET, "ipv4")
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as asked:
            if not _binds_all(version):
                asked.bind((host, 0))
                return True
            asked.connect((host, _ANY_PORT))
            own = asked.getsockname()[0]
    except OSError:
        return False
    return ipaddress.ip_address(own) == ipaddress.ip_address(host)


def _binds_all(version: str) -> bool:
    try:
        return Path(f"/proc/sys/net/{version}/ip_nonlocal_bind").read_bytes().strip() != b"0"
    except OSError:
        return False


def lacking(configuration: Configuration, has: Callable[[str], bool] = has_address) -> Iterator[Listener]:
    """The listeners of layer 7 on addresses that this machine does not have.

    Left out are those that layer 4 adds by itself, and names.
    """
    known = {one.virtual.host: True for one in configuration.l4} | dict.fromkeys(_EVERYWHERE, True)
    for service in configuration.l7:
        for address in service.places:
            if address.path or address.endpoint or not _literal(address.host):
                continue
            if address.host not in known:
                known[address.host] = has(address.host)
            if not known[address.host]:
                yield f"l7:{service.name}", str(address)


def _literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == ""
    return True


class ListenAlerts(Part):
    """What keeps clients from a listener, and since when (monotonic seconds)."""

    def __init__(
        self, registry: Registry, traffic: TrafficView, reactor: Any, has: Callable[[str], bool] = has_address
    ) -> None:
        """`traffic` is layer 7."""
        self._registry, self._traffic, self._reactor, self._has = registry, traffic, reactor, has
        self._why: dict[Listener, str] = {}
        self._since: dict[Listener, float] = {}
        self._started = False

    def start(self) -> None:
        """Know from the beginning what is wrong."""
        self._started = True
        self._say()

    def commit(self, candidate: Candidate) -> None:
        """Other listeners: what was wrong with those of before is told no longer."""
        if self._started:
            self._say()

    def chores(self) -> Iterable[Chore]:
        """Say what began and what ended: once each."""
        return ((self._say, EVERY),)

    def _say(self) -> None:
        began, over = self.look(self._reactor.seconds())
        for text in began:
            _log.warn("{text}", text=text)
        for text in over:
            _log.info("{text}", text=text)

    def look(self, now: float) -> tuple[list[str], list[str]]:
        """What is news since the last look: sentences of what began, and of what is over."""
        configuration = self._registry.configuration
        wanted = {(f"l7:{one.name}", str(address)) for one in configuration.l7 for address in one.listen}
        found = dict.fromkeys(lacking(configuration, self._has), _LACKING)
        for name, address, why in self._traffic.unopened():
            found[f"l7:{name}", address] = f"{why}; it is tried again"
        begun = [one for one in found if one not in self._why]
        over = [one for one in self._why if one not in found and one in wanted]
        again = [
            f"{name} listens on {address} now, after {now - self._since[name, address]:.0f}s"
            for name, address in over
        ]
        self._why = found
        self._since = {one: self._since.get(one, now) for one in found}
        return [self._sentence(one) for one in begun], again

    def why(self, service: str, address: str) -> str:
        """Why clients cannot reach a listener; empty when they can."""
        return self._why.get((service, address), "")

    def reasons(self) -> dict[str, float]:
        """One sentence for each, and since when."""
        return {self._sentence(one): since for one, since in self._since.items()}

    def _sentence(self, listener: Listener) -> str:
        service, address = listener
        return f"{service} is not reachable on {address}: {self._why[listener]}"

"""Names of servers: looked up off the loop, once for all who wait, kept for a little while.

An answer may have several addresses of both families; each connection takes the next one, so that a
dead one costs a try and not the name.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

KEPT_SECONDS = 10.0
"""How long the addresses of a name are used before it is asked for again."""
NAMES_KEPT = 4096
"""Names remembered; beyond it all are forgotten, because a configuration does not have so many."""

_log = Logger(namespace="director.names")

Place = tuple[socket.AddressFamily, str]
"""A family and a literal address."""
Found = Callable[["Place | None"], None]
"""Told an address, or None when the name has none."""


def ask_system(host: str) -> list[Place]:
    """The addresses of a name in the system's order of preference; blocks.  Raises OSError."""
    entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((entry[0], str(entry[4][0])) for entry in entries))


class Names:
    """Addresses by name.

    Args:
        ask: gives the addresses of a name; called on a thread.

    Attributes:
        asked: look-ups made; `failed` of them had no answer.
    """

    def __init__(self, reactor: Any, ask: Callable[[str], list[Place]] = ask_system) -> None:
        self._reactor = reactor
        self._ask = ask
        self._known: dict[str, tuple[float, list[Place]]] = {}
        self._waiting: dict[str, list[Found]] = {}
        self._silent: set[str] = set()
        self.asked = 0
        self.failed = 0

    def known(self, host: str) -> Place | None:
        """An address that is known now, the next one each time; None when the name must be asked for."""
        entry = self._known.get(host)
        if entry is None or entry[0] <= self._reactor.seconds():
            return None
        places = entry[1]
        places.append(places.pop(0))
        return places[-1]

    def ask(self, host: str, found: Found) -> None:
        """Ask for a name; `found` hears later.  Who asks for the same name meanwhile waits along."""
        waiting = self._waiting.setdefault(host, [])
        waiting.append(found)
        if len(waiting) > 1:
            return
        self.asked += 1
        asking = deferToThreadPool(self._reactor, self._reactor.getThreadPool(), self._ask, host)
        asking.addCallbacks(self._answered, self._unanswered, callbackArgs=(host,), errbackArgs=(host,))

    def _answered(self, places: list[Place], host: str) -> None:
        if len(self._known) >= NAMES_KEPT:
            self._known.clear()
        if not places:
            self._silent_now(host)
        elif host in self._silent:
            self._silent.discard(host)
            _log.info("the name {host} can be resolved again", host=host)
        if places:
            self._known[host] = (self._reactor.seconds() + KEPT_SECONDS, places)
        self._tell(host)

    def _unanswered(self, failure: Failure, host: str) -> None:
        failure.trap(OSError, UnicodeError)
        self.failed += 1
        self._silent_now(host)
        self._tell(host)

    def _silent_now(self, host: str) -> None:
        """Say once for each episode that a name has no address."""
        if host not in self._silent and len(self._silent) < NAMES_KEPT:
            self._silent.add(host)
            _log.warn(
                "the name {host} cannot be resolved, so its servers cannot be reached; "
                "correct it in the configuration, or look at the resolver: getent hosts {host}",
                host=host,
            )

    def _tell(self, host: str) -> None:
        for found in self._waiting.pop(host, ()):
            found(self.known(host))

"""Names of servers: looked up off the loop, once for all who wait, and again as long as they are used.

An answer may have several addresses of both families.  `Resolver.known` gives all of them in the order
in which to try them: each time another one first, those that were found dead a while ago last.  An
address is one object for as long as its name has it, and says so to the connections that were made to
it: when an answer comes without it, it is `gone`.  A resolver that does not answer takes no address
away; one that says that the name does not exist takes all.
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
FRESH_SECONDS = 5.0
"""An answer older than this is asked for anew while connections to the name are open, so that none waits."""
AVOIDED_SECONDS = 30.0
"""How long an address that did not answer stands behind the others of its name."""
NAMES_KEPT = 4096
"""Names remembered; beyond it all are forgotten, because a configuration does not have so many."""

_NO_SUCH_NAME = (socket.EAI_NONAME, socket.EAI_NODATA)
"""Answers of the system that mean no; all others mean that nobody knows."""
_log = Logger(namespace="director.names")

Found = tuple[socket.AddressFamily, str]
"""A family and a literal address, as the system answers."""


class HostAddress:
    """One address of a name.

    Attributes:
        family, literal: what to connect to.
        gone: the name does not have it any more; connections to it shall end when they are idle.
        avoided_until: other addresses of the name are tried first, in monotonic seconds.
    """

    __slots__ = ("avoided_until", "family", "gone", "literal")

    def __init__(self, family: socket.AddressFamily, literal: str) -> None:
        self.family = family
        self.literal = literal
        self.gone = False
        self.avoided_until = 0.0


Addresses = tuple[HostAddress, ...]
Told = Callable[[Addresses], None]
"""Told the addresses in the order in which to try them; none when the name has none."""


def ask_system(host: str) -> list[Found]:
    """The addresses of a name in the system's order of preference; blocks.  Raises OSError."""
    entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((entry[0], str(entry[4][0])) for entry in entries))


class Resolver:
    """Addresses by name.

    Args:
        ask: gives the addresses of a name; called on a thread.

    Attributes:
        asked: look-ups made; `failed` of them had no answer.
    """

    def __init__(self, reactor: Any, ask: Callable[[str], list[Found]] = ask_system) -> None:
        self._reactor = reactor
        self._ask = ask
        self._known: dict[str, tuple[float, list[HostAddress]]] = {}
        self._waiting: dict[str, list[Told]] = {}
        self._silent: set[str] = set()
        self.asked = 0
        self.failed = 0

    def known(self, host: str) -> Addresses:
        """The addresses that are known now, the next one first; none when the name must be asked for."""
        entry = self._known.get(host)
        now = self._reactor.seconds()
        if entry is None or now - entry[0] >= KEPT_SECONDS:
            return ()
        addresses = entry[1]
        addresses.append(addresses.pop(0))
        in_turn = (addresses[-1], *addresses[:-1])
        return tuple(sorted(in_turn, key=lambda address: address.avoided_until > now))

    def ask(self, host: str, told: Told) -> None:
        """Ask for a name; `told` hears later.  Who asks for the same name meanwhile waits along."""
        waiting = self._waiting.setdefault(host, [])
        waiting.append(told)
        if len(waiting) > 1:
            return
        self.asked += 1
        asking = deferToThreadPool(self._reactor, self._reactor.getThreadPool(), self._ask, host)
        asking.addCallbacks(self._answered, self._unanswered, callbackArgs=(host,), errbackArgs=(host,))

    def refresh(self, host: str) -> None:
        """Ask for a name in use again when its answer is no longer fresh."""
        entry = self._known.get(host)
        is_fresh = entry is not None and self._reactor.seconds() - entry[0] < FRESH_SECONDS
        if not is_fresh and host not in self._waiting:
            self.ask(host, _nobody)

    def avoid(self, address: HostAddress) -> None:
        """Nobody answered there: for a while the other addresses of the name come first."""
        address.avoided_until = self._reactor.seconds() + AVOIDED_SECONDS

    def _answered(self, found: list[Found], host: str) -> None:
        if len(self._known) >= NAMES_KEPT and host not in self._known:
            self._known.clear()
        if not found:
            self._silent_now(host)
        elif host in self._silent:
            self._silent.discard(host)
            _log.info("the name {host} can be resolved again", host=host)
        self._replace(host, found)
        self._tell(host)

    def _replace(self, host: str, found: list[Found]) -> None:
        """Take over an answer: who was there before stays the same object, who is not in it is gone."""
        _, old = self._known.pop(host, (0.0, []))
        before = {(one.family, one.literal): one for one in old}
        if found:
            addresses = [before.pop(one) if one in before else HostAddress(*one) for one in found]
            self._known[host] = self._reactor.seconds(), addresses
        for address in before.values():
            address.gone = True

    def _unanswered(self, failure: Failure, host: str) -> None:
        failure.trap(OSError, UnicodeError)
        self.failed += 1
        if getattr(failure.value, "errno", None) in _NO_SUCH_NAME:
            self._replace(host, [])
        if host in self._known:
            # Nobody says that the name has changed: what it had is used on.
            self._known[host] = self._reactor.seconds(), self._known[host][1]
        else:
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
        for told in self._waiting.pop(host, ()):
            told(self.known(host))


def _nobody(_addresses: Addresses) -> None:
    """Nobody waits for this answer."""

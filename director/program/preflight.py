"""Can the servers of a configuration be reached from here (composition)?

Names are looked up and connections tried, many at the same time and within bounds, so that a check of any
file ends.  Only a check asks, and all it says are warnings: a start waits for nobody.  Called by `loading`.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from director.config.loaded import Loaded
from director.config.text.messages import WARNING, Problem
from director.l7.io.resolver import Found as Literal
from director.l7.io.resolver import ask_system
from director.l7.io.stream import words
from director.model.pools import Address, Server
from director.model.settings import Configuration

NAMES_AT_A_TIME = 16
"""Look-ups at the same time."""
CONNECTS_AT_A_TIME = 256
"""Connections tried at the same time, each with a descriptor of its own."""
PATIENCE = 1.0
"""Seconds that a server may take for a connection."""
IN_ALL = 5.0
"""Seconds after which no further connection is tried."""
_ALL = frozenset({"", "0.0.0.0", "::"})

Place = tuple[socket.AddressFamily, Any]
"""A family, and where `connect` goes."""


def problems(loaded: Loaded, configuration: Configuration) -> list[Problem]:
    """A warning for each server whose name has no address, or that takes no connection, just now."""
    servers = [(pool.name, one) for pool in configuration.pools for one in pool.servers]
    names = _looked_up(one.address.host for _, one in servers if one.address.host)
    found = [
        _warning(loaded, pool, one, f"the name {one.address.host} cannot be resolved now: {answer}", _NAME)
        for pool, one in servers
        if isinstance(answer := names.get(one.address.host), str)
    ]
    own = _own(configuration)
    asked = [(pool, one, _places(one.address, names, own)) for pool, one in _by_tcp(configuration)]
    answers = tried(place for _, _, places in asked for place in places)
    found += [
        _warning(loaded, pool, one, f"the server takes no connection now: {answers[places[-1]]}", _SERVER)
        for pool, one, places in asked
        if places and all(map(answers.get, places))
    ]
    left = [(pool, one) for pool, one, places in asked if not answers.keys() >= {*places}]
    if left:
        text = f"{len(left)} server(s), this one first, were not asked: {IN_ALL:g} s were over"
        found.append(_warning(loaded, *left[0], text, ""))
    return found


_NAME = "correct it; if it is right, the director asks again whenever a request needs it"
_SERVER = "start it or correct its address; the director starts all the same. --offline does not ask"


def _warning(loaded: Loaded, pool: str, server: Server, text: str, hint: str) -> Problem:
    return loaded.problem_at(f"pool:{pool}", f"server.{server.name}", text, hint, WARNING)


def _by_tcp(configuration: Configuration) -> Iterator[tuple[str, Server]]:
    """The servers that a connection says something about: not those of services for other protocols."""
    other = {one.pool for one in configuration.l4 if one.virtual.fwmark or one.virtual.protocol != "tcp"}
    for pool in configuration.pools:
        if pool.name not in other:
            yield from ((pool.name, one) for one in pool.servers)


def _own(configuration: Configuration) -> set[Any]:
    """Where the director listens while it runs, demo servers and virtual addresses too.

    A port stands for itself when it is listened on at all addresses.
    """
    listens = [address for one in configuration.l7 for address in one.places]
    listens += [one.listen for one in configuration.demos]
    listens += [Address(one.virtual.host, one.virtual.port) for one in configuration.l4]
    return {
        one.path or (one.port if one.host in _ALL else (one.host, one.port))
        for one in listens
        if one.path or one.port
    }


def _places(address: Address, names: Mapping[str, list[Literal] | str], own: set[Any]) -> list[Place]:
    """Where a connection to an address may go; nowhere when it is our own, or its name has no address."""
    known = names.get(address.host, "")
    if address.path:
        found: list[Place] = [(socket.AF_UNIX, address.path)]
    elif isinstance(known, str) or not address.port or address.port in own:
        return []
    else:
        found = [(family, (host, address.port)) for family, host in known]
    return [] if any(target in own for _, target in found) else found


def _looked_up(hosts: Iterable[str]) -> dict[str, list[Literal] | str]:
    """The addresses of each name, or what the resolver says against it."""
    every = dict.fromkeys(hosts)
    with ThreadPoolExecutor(NAMES_AT_A_TIME) as threads:
        return dict(zip(every, threads.map(_look_up, every), strict=True))


def _look_up(host: str) -> list[Literal] | str:
    try:
        return ask_system(host)
    except (OSError, UnicodeError) as error:
        return getattr(error, "strerror", "") or str(error)


def tried(places: Iterable[Place], patience: float = PATIENCE, in_all: float = IN_ALL) -> dict[Place, str]:
    """Why no connection to a place came about, '' where one did; what was not tried in time is left out."""
    waiting = deque(dict.fromkeys(places))
    last = time.monotonic() + in_all
    with selectors.DefaultSelector() as selector:
        trying = _Trying(selector, patience)
        while waiting or selector.get_map():
            if time.monotonic() >= last:
                waiting.clear()
            while waiting and len(selector.get_map()) < CONNECTS_AT_A_TIME:
                trying.begin(waiting.popleft())
            trying.wait()
    return trying.answers


class _Trying:
    """Connections under way.  `answers` are complete when the selector has none left."""

    def __init__(self, selector: selectors.BaseSelector, patience: float) -> None:
        self._selector = selector
        self._patience = patience
        self.answers: dict[Place, str] = {}

    def begin(self, place: Place) -> None:
        """Ask for a connection."""
        try:
            sock = socket.socket(place[0], socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        except OSError as error:
            self.answers[place] = f"it was not asked, {words(error)}"
            return
        try:
            code = sock.connect_ex(place[1])
        except OSError as error:
            code, self.answers[place] = -1, words(error)
        if code == errno.EINPROGRESS:
            self._selector.register(sock, selectors.EVENT_WRITE, (place, time.monotonic() + self._patience))
            return
        sock.close()
        # EAGAIN is a unix socket's full backlog: somebody listens.
        if code >= 0:
            self.answers[place] = "" if code in (0, errno.EAGAIN) else _said(code)

    def wait(self) -> None:
        """Take what has come about, or has taken too long."""
        if not self._selector.get_map():
            return
        next_end = min(key.data[1] for key in self._selector.get_map().values())
        for key, _ in self._selector.select(max(0.0, next_end - time.monotonic())):
            sock: Any = key.fileobj
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            self._end(key, _said(code) if code else "")
        for key in [one for one in self._selector.get_map().values() if one.data[1] <= time.monotonic()]:
            self._end(key, f"no answer within {self._patience:g} s")

    def _end(self, key: selectors.SelectorKey, answer: str) -> None:
        self._selector.unregister(key.fileobj)
        sock: Any = key.fileobj
        sock.close()
        self.answers[key.data[0]] = answer


def _said(code: int) -> str:
    return words(OSError(code, os.strerror(code)))

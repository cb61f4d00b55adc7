"""Listening sockets of several processes: opened once, by the control process, and handed on.

For each address there is one group of sockets (socket(7), SO_REUSEPORT), one for each worker, among which
the kernel shares the clients.  They stay open here as well: when a worker dies, who waits in its socket's
queue waits for its replacement, which gets the very same socket.  A unix socket, and one that systemd
opened, is a single one that all workers accept from.

A reload opens before it closes: `prepare` opens what is new, and only `commit` closes what is not wanted.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from director.l7.io.listener import BindError, bind, bound_to
from director.l7.io.sharing import share
from director.model.pools import Address

Place = tuple[str, int]
"""What is bound, the same for different spellings."""

SYSTEMD_FIRST = 3
"""The first descriptor that systemd hands over (sd_listen_fds(3))."""
_SYSTEMD = re.compile(r"systemd:domain=(?:INET6?|UNIX):index=([0-9]+)")


class Sockets:
    """The groups of one director; `size` sockets each.

    Args:
        inherited: what the program before left of a group, by the number of the socket (`program.upgrade`).

    Attributes:
        taken: what another program has and we wait for, and why it cannot be opened.
    """

    def __init__(
        self,
        size: int,
        inherited: Callable[[Place, int], socket.socket | None] = lambda _place, _number: None,
    ) -> None:
        self._size = size
        self._inherited = inherited
        self._open: dict[Place, list[socket.socket]] = {}
        self._new: dict[Place, list[socket.socket]] = {}
        self._wanted: dict[Place, Address] = {}
        self._taken_now: dict[Place, BindError] = {}
        self.taken: dict[Place, BindError] = {}

    def prepare(self, addresses: Iterable[Address], *, beside: bool = False, waits: bool = False) -> None:
        """Open what is new.  Raises BindError, with nothing left open.

        `beside`: other processes of ours may still listen there and will go.  With `waits` those that
        another program has are waited for.
        """
        self._wanted = {bound_to(address): address for address in addresses}
        try:
            for place, address in self._wanted.items():
                if place not in self._open and place not in self.taken:
                    self._open_new(place, address, beside=beside, waits=waits)
        except BindError:
            self.abandon()
            raise

    def _open_new(self, place: Place, address: Address, *, beside: bool, waits: bool) -> None:
        try:
            self._new[place] = self._group(address, beside=beside)
        except BindError as error:
            if not (waits and error.taken):
                raise
            self._taken_now[place] = error

    def none_opened(self) -> BindError | None:
        """What is wrong, when every address that was prepared is another program's."""
        found = list(self._taken_now.values())
        return found[0] if found and len(found) == len(self._wanted) else None

    def again(self) -> list[Place]:
        """Try once more what is waited for; returns what is open now."""
        opened = []
        for place in list(self.taken):
            try:
                self._open[place] = self._group(self._wanted[place], beside=False)
            except BindError as error:
                self.taken[place] = error
            else:
                del self.taken[place]
                opened.append(place)
        return opened

    def hand(self, place: Place, index: int, give: Callable[[str, int], object]) -> None:
        """Give the socket of one place to one worker."""
        group = self._open[place]
        give(name(place), group[index % len(group)].fileno())

    def _group(self, address: Address, *, beside: bool) -> list[socket.socket]:
        left = [self._inherited(bound_to(address), number) for number in range(self._size)]
        known = [sock for sock in left if sock is not None]
        if known and (address.path or address.endpoint):
            return known
        if known:
            # Each at its place: it is that of a worker that may have it already.
            lacking = self._size - len(known)
            more = iter(share(address, lacking, join=known[0]) if lacking else ())
            return [next(more) if sock is None else sock for sock in left]
        if address.endpoint:
            return [inherited(address.endpoint)]
        if address.path:
            return [bind(address)]
        # `127.0.0.1:80` may come while our `:80` goes.
        going = any(place not in self._wanted and place[1] == address.port for place in self._open)
        return share(address, self._size, join=beside or going)

    def commit(self) -> None:
        """Close what is not wanted any more."""
        self._open |= self._new
        self._new.clear()
        self.taken |= self._taken_now
        self._taken_now.clear()
        self.taken = {place: error for place, error in self.taken.items() if place in self._wanted}
        for place in self._open.keys() - self._wanted.keys():
            close(place, self._open.pop(place))

    def abandon(self) -> None:
        """Close what was opened."""
        for place, group in self._new.items():
            close(place, group)
        self._new.clear()
        self._taken_now.clear()

    def of(self, index: int, *, new: bool = False) -> Mapping[str, socket.socket]:
        """The sockets of one worker by their names; those being prepared, too, or with `new` they alone."""
        groups = self._new if new else {**self._open, **self._new}
        return {name(place): group[index % len(group)] for place, group in groups.items()}

    def all_open(self) -> Iterable[tuple[Place, int, socket.socket]]:
        """All, with the number of each in its group."""
        return [
            (place, number, sock) for place, group in self._open.items() for number, sock in enumerate(group)
        ]

    def stop(self, *, handed_on: bool = False) -> None:
        """Close all; the paths of unix sockets stay when another program has those."""
        for place, group in self._open.items():
            close(place, group, ours=not handed_on)
        self._open.clear()


def entrance(host: str, port: int, number: int) -> str:
    """What a listening socket is called when the next program is left it; all versions know these names."""
    return f"l7 {host} {port} {number}"


def name(place: Place) -> str:
    """What a socket is called when it is handed over."""
    host, port = place
    return f"{host} {port}" if port else host


def close(place: Place, group: Iterable[socket.socket], *, ours: bool = True) -> None:
    """Close sockets, and remove the path of a unix socket that is ours."""
    for sock in group:
        path = sock.getsockname() if sock.family == socket.AF_UNIX else ""
        sock.close()
        if path and ours and not place[0].startswith("systemd:"):
            Path(path).unlink(missing_ok=True)


def can_be_inherited(endpoint: str) -> bool:
    """It is a socket that systemd hands over, so several processes can have it."""
    return _SYSTEMD.fullmatch(endpoint) is not None


def inherited(endpoint: str) -> socket.socket:
    """A socket that systemd handed over.  Raises BindError for any other endpoint."""
    found = _SYSTEMD.fullmatch(endpoint)
    if found is None:
        raise BindError(
            f"cannot listen on {endpoint}: several processes cannot share such an endpoint; "
            "write ADDRESS:PORT, unix:PATH or systemd:domain=INET:index=N, or set workers = 0"
        )
    index = int(found[1])
    count = int(os.environ.get("LISTEN_FDS", "0")) if os.environ.get("LISTEN_PID") == str(os.getpid()) else 0
    if index >= count:
        raise BindError(
            f"cannot listen on {endpoint}: systemd handed over {count} socket(s); see systemd.socket(5)"
        )
    sock = socket.socket(fileno=os.dup(SYSTEMD_FIRST + index))
    sock.setblocking(False)
    return sock

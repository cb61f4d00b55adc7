"""Netlink sockets: one that asks and waits, one that listens on the reactor.

`NetlinkSocket` is for questions that the kernel answers at once (a route in 3 us), so it
blocks, with a bound.  `NetlinkReader` gets what changes by itself and hands it on as facts;
when its queue overflowed it says so, and its owner reads everything anew.
"""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Callable

from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from director.l4.io.netlink import rtnetlink
from director.l4.io.netlink.rtnetlink import Fact, KernelRoute

_BUFFER = 1 << 17
_TIMEOUT = 2.0
_BATCH = 64
_SO_RCVBUFFORCE = 33


def _open(groups: int) -> socket.socket:
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
    sock.bind((0, groups))
    return sock


class NetlinkSocket:
    """Questions and orders to the kernel, answered before the call returns.

    Every method raises OSError: EPERM without CAP_NET_ADMIN for orders, a timeout after two
    seconds when the kernel is silent.
    """

    def __init__(self) -> None:
        self._socket = _open(0)
        self._socket.settimeout(_TIMEOUT)
        self._sequence = 0

    def close(self) -> None:
        """Close; a second call does nothing."""
        self._socket.close()

    def route(self, address: bytes) -> KernelRoute | None:
        """The kernel's route to packed `address`, or None when there is none."""
        for kind, payload in self._ask(rtnetlink.get_route(address, self._next())):
            if kind == rtnetlink.NEW_ROUTE:
                return rtnetlink.route_answer(payload)
        return None

    def dump(self, kind: int) -> list[Fact]:
        """All links, addresses or neighbours (`rtnetlink.GET_…`)."""
        found = (
            rtnetlink.fact(*answer) for answer in self._ask(rtnetlink.dump(kind, self._next()), dump=True)
        )
        return [one for one in found if one is not None]

    def add_address(self, ifindex: int, address: bytes, scope: int = 0) -> None:
        """Add a host address (`rtnetlink.set_address`); EEXIST when an IPv4 one is there."""
        self._order(rtnetlink.set_address(rtnetlink.NEW_ADDRESS, ifindex, address, self._next(), scope))

    def delete_address(self, ifindex: int, address: bytes) -> None:
        """Remove a host address; EADDRNOTAVAIL when it is not there."""
        self._order(rtnetlink.set_address(rtnetlink.DEL_ADDRESS, ifindex, address, self._next()))

    def resolve(self, ifindex: int, address: bytes) -> None:
        """Start resolving a neighbour."""
        self._order(rtnetlink.use_neighbour(ifindex, address, self._next()))

    def probe(self, ifindex: int, address: bytes) -> None:
        """Ask a known neighbour again."""
        self._order(rtnetlink.use_neighbour(ifindex, address, self._next(), rtnetlink.NUD_PROBE))

    def set_up(self, ifindex: int) -> None:
        """Set a link up."""
        self._order(rtnetlink.set_link_up(ifindex, self._next()))

    def _next(self) -> int:
        self._sequence = (self._sequence + 1) & 0x7FFFFFFF
        return self._sequence

    def _order(self, request: bytes) -> None:
        for kind, payload in self._ask(request):
            said = rtnetlink.fact(kind, payload)
            if isinstance(said, rtnetlink.Failed) and said.code:
                raise OSError(said.code, errno.errorcode.get(said.code, "netlink error"))

    def _ask(self, request: bytes, *, dump: bool = False) -> list[tuple[int, bytes]]:
        """Send and collect: one answer, or with `dump` all until the kernel says done."""
        self._socket.send(request)
        answers: list[tuple[int, bytes]] = []
        while True:
            for kind, sequence, payload in rtnetlink.messages(self._socket.recv(_BUFFER)):
                if sequence != self._sequence:
                    continue
                if kind == rtnetlink.DONE:
                    return answers
                answers.append((kind, payload))
                if kind == rtnetlink.ERROR or not dump:
                    return answers


@implementer(IReadDescriptor)
class EventReader:
    """A socket with events of the kernel, read on the reactor.  Who extends it reads in `doRead`.

    Attributes:
        overruns: how often events were missed; `lost` was called each time.
    """

    name = "netlink"

    def __init__(self, reactor: IReactorFDSet, sock: socket.socket, lost: Callable[[], None]) -> None:
        self.overruns = 0
        self._reactor, self._socket, self._lost = reactor, sock, lost
        sock.setblocking(False)

    def start(self) -> None:
        """Begin to listen."""
        self._reactor.addReader(self)

    def fileno(self) -> int:
        """For the reactor."""
        return self._socket.fileno()

    def logPrefix(self) -> str:
        """For the reactor."""
        return self.name

    def doRead(self) -> None:
        """Read what waits."""
        raise NotImplementedError

    def _missed(self) -> None:
        self.overruns += 1
        self._lost()

    def connectionLost(self, reason: Failure) -> None:
        """The reactor saw an error on the socket (an overrun without data): start again."""
        if self._socket.fileno() >= 0:
            self._reactor.removeReader(self)
            with contextlib.suppress(OSError):
                self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            self._reactor.addReader(self)
            self._missed()

    def close(self) -> None:
        """Stop listening and close."""
        if self._socket.fileno() >= 0:
            self._reactor.removeReader(self)
            self._socket.close()


class NetlinkReader(EventReader):
    """What changes in links, addresses, neighbours and routes, as facts."""

    def __init__(
        self, reactor: IReactorFDSet, receive: Callable[[Fact], None], lost: Callable[[], None]
    ) -> None:
        """`lost` is called when facts were missed; all must then be read anew."""
        super().__init__(reactor, _open(rtnetlink.GROUPS), lost)
        self._receive = receive
        with contextlib.suppress(PermissionError):
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 4 << 20)

    def doRead(self) -> None:
        """Hand on a bounded batch of facts."""
        for _ in range(_BATCH):
            try:
                data = self._socket.recv(_BUFFER)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self._missed()
                return
            for kind, _sequence, payload in rtnetlink.messages(data):
                said = rtnetlink.fact(kind, payload)
                if said is not None:
                    self._receive(said)
            if self._socket.fileno() < 0:
                return

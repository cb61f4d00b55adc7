"""From an accepted connection to a client: a PROXY header, then TLS, where a service asks for them.

A plain connection does not pass here.  One that does is an *arrival* until its header and handshake are
done; then its stream goes to the service like any other, with what was learnt on the way.

* A header is taken from the socket octet for octet, never one more: what follows belongs to TLS, or to the
client.
  Whoever must begin with one and does not is closed (the specification's section 2: never guess).
* A handshake is a millisecond of work, so a flood of them would be felt by everybody: so many steps are
done in one
  turn of the loop, the rest stand in line, and clients that are through get their turn between them.
* Arrivals are bounded in time (`timeout.client`) and number; when there are too many the oldest goes,
because that one
  is the likeliest to be no client at all.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from OpenSSL.SSL import Context
from twisted.internet.interfaces import IReadDescriptor
from twisted.logger import Logger
from zope.interface import implementer

from director.l7.io.stream import Stream, words
from director.l7.io.tls_stream import TLSStream
from director.l7.prologue.client_hello import LONGEST, Greeting, HelloError
from director.l7.prologue.proxy_protocol import LONGEST_V2, Header, ProxyHeaderError, read
from director.l7.routing.forwarded import is_trusted
from director.tls.acme.proof import PROTOCOL

if TYPE_CHECKING:
    from collections.abc import Callable

    from director.model.pools import Network

LARGEST_NUMBER = 1024
"""Arrivals at the same time: each holds a descriptor and up to 40 kB."""
STEPS_PER_TURN = 4
"""Steps of handshakes in one turn of the loop: two to four milliseconds."""

_log = Logger(namespace="director.l7")

NO_CHALLENGES: Mapping[str, Context] = {}
Address = Any
"""A socket address, as `socket.getpeername` gives it."""


class Counters:
    """What became of arrivals, for metrics: by reason, and handshakes done in full or resumed."""

    def __init__(self) -> None:
        self.handshakes = 0
        self.resumed = 0
        self.failed: dict[str, int] = dict.fromkeys(("tls", "timeout", "crowded", "proxy_header", "gone"), 0)


class Arrivals:
    """The arrivals of one director.

    Attributes:
        under_way: those of now, the oldest first.
    """

    def __init__(self, reactor: Any) -> None:
        self.reactor = reactor
        self.under_way: dict[Arrival, float] = {}
        self.counters = Counters()
        self._line: deque[Arrival] = deque()
        self._steps = 0
        self._turn: Any = None

    def begin(self, arrival: Arrival, deadline: float) -> None:
        """One more; the oldest goes when there are too many."""
        if len(self.under_way) >= LARGEST_NUMBER:
            next(iter(self.under_way)).give_up("crowded")
        self.under_way[arrival] = deadline

    def sweep(self, now: float) -> None:
        """End those whose time is over."""
        for arrival, deadline in list(self.under_way.items()):
            if deadline <= now:
                arrival.give_up("timeout")

    def postpone(self, seconds: float) -> None:
        """The loop stood still for so long: that is nobody's delay but ours."""
        for arrival in self.under_way:
            self.under_way[arrival] += seconds

    def may_step(self, arrival: Arrival) -> bool:
        """Whether a step of a handshake may be done now; else it is done in a later turn."""
        if self._turn is None:
            self._turn = self.reactor.callLater(0, self._next_turn)
        if self._steps < STEPS_PER_TURN and not self._line:
            self._steps += 1
            return True
        self._line.append(arrival)
        return False

    def _next_turn(self) -> None:
        self._turn = None
        self._steps = 0
        for _ in range(min(STEPS_PER_TURN, len(self._line))):
            self._steps += 1
            self._line.popleft().step()
        if self._line:
            self._turn = self.reactor.callLater(0, self._next_turn)

    def stop(self) -> None:
        """End all of them."""
        for arrival in list(self.under_way):
            arrival.give_up("gone")
        self._line.clear()
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None


@implementer(IReadDescriptor)
class _HeaderReader:
    """Takes a PROXY header from a socket, and not one octet more."""

    def __init__(self, reactor: Any, sock: socket.socket, done: Callable[[Header | str], None]) -> None:
        self._reactor = reactor
        self._socket = sock
        self._done = done
        self._taken = b""
        reactor.addReader(self)

    def fileno(self) -> int:
        return self._socket.fileno()

    def logPrefix(self) -> str:
        return "proxy header"

    def doRead(self) -> None:
        """What came is looked at; of it the header alone is taken, or all as long as there is no more."""
        try:
            seen = self._socket.recv(LONGEST_V2, socket.MSG_PEEK)
            if not seen:
                self._finish("the connection ended inside its PROXY header")
                return
            found = read(self._taken + seen)
            length = len(seen) if found is None else found[1] - len(self._taken)
            self._taken += self._socket.recv(length)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._finish(words(error))
            return
        except ProxyHeaderError as error:
            self._finish(str(error))
            return
        if found is not None:
            self._finish(found[0])

    def connectionLost(self, reason: object) -> None:
        """The reactor saw an error, or stops."""
        self._finish("connection reset")

    def stop(self) -> None:
        """Look no more."""
        self._reactor.removeReader(self)

    def _finish(self, result: Header | str) -> None:
        self.stop()
        self._done(result)


class Arrival:
    """One connection on its way to become a client's.

    Args:
        through: takes the stream and both socket addresses when all is done.
        gone: called when nothing came of it.
        context: for TLS, None for clear text.
        challenges: contexts for authorities that look whether a name is ours (RFC 8737), by name.
        header: a PROXY header comes first.
    """

    def __init__(
        self,
        arrivals: Arrivals,
        stream: Stream,
        ends: tuple[Address, Address],
        *,
        through: Callable[[Stream, Address, Address], None],
        gone: Callable[[], None],
        context: Context | None,
        header: bool,
        deadline: float,
        challenges: Mapping[str, Context] = NO_CHALLENGES,
    ) -> None:
        self._arrivals = arrivals
        self._stream = stream
        self._peer, self._own = ends
        self._through = through
        self._gone = gone
        self._context = context
        self._challenges = challenges
        self._reader: _HeaderReader | None = None
        self.reason = ""
        arrivals.begin(self, deadline)
        if header:
            assert stream.socket is not None  # noqa: S101 - it was accepted just now
            self._reader = _HeaderReader(arrivals.reactor, stream.socket, self._header)
        else:
            self._shake()

    # -- the header --

    def _header(self, found: Header | str) -> None:
        self._reader = None
        if isinstance(found, str):
            _log.warn(
                "a connection from {peer} is closed: {why}. Those in proxy_protocol must begin with one",
                peer=_shown(self._peer),
                why=found,
            )
            self.give_up("proxy_header")
            return
        self._peer = found.source or self._peer
        self._own = found.destination or self._own
        self._shake()

    # -- the handshake --

    def _shake(self) -> None:
        if self._context is None:
            self._finish()
            return
        sock = self._stream.socket
        assert sock is not None  # noqa: S101 - nobody else has it
        look = self._challenged if self._challenges else None
        stream = TLSStream(self._arrivals.reactor, sock, self._context, gate=self._may_step, look=look)
        stream.owner = self
        self._stream = stream
        stream.start()

    def _challenged(self, stream: TLSStream) -> None:
        """Before the first step: who greets with `acme-tls/1` gets the proof for the name that it asks for.

        Only a greeting that is here whole is looked at; authorities send theirs in one piece.
        """
        assert stream.socket is not None  # noqa: S101 - it is about to be read
        try:
            hello = Greeting().feed(stream.socket.recv(LONGEST, socket.MSG_PEEK))
        except (OSError, HelloError):
            return  # whatever is wrong, the handshake says it
        context = self._challenges.get(hello.name) if hello and PROTOCOL in hello.protocols else None
        if context is not None:
            stream.answer_by(context)

    def _may_step(self) -> bool:
        return self._arrivals.may_step(self)

    def step(self) -> None:
        """Our turn in the line has come."""
        stream = self._stream
        if self in self._arrivals.under_way and isinstance(stream, TLSStream):
            stream.shake()

    def connected(self) -> None:
        """The handshake is done."""
        stream = self._stream
        assert isinstance(stream, TLSStream)  # noqa: S101 - nothing else tells it
        if stream.protocol == PROTOCOL:
            # The proof was in the handshake, and nothing follows it (RFC 8737 3).
            self._leave()
            stream.close()
            return
        self._arrivals.counters.handshakes += 1
        self._arrivals.counters.resumed += stream.resumed
        self._finish()

    def lost(self, reason: str) -> None:
        """The handshake failed, or the client left."""
        self.reason = reason
        if self in self._arrivals.under_way:
            self._arrivals.counters.failed["tls" if reason.startswith("TLS") else "gone"] += 1
            self._leave()

    # -- the end --

    def _finish(self) -> None:
        del self._arrivals.under_way[self]
        self._through(self._stream, self._peer, self._own)

    def give_up(self, reason: str) -> None:
        """It became nothing."""
        if self in self._arrivals.under_way:
            self._arrivals.counters.failed[reason] += 1
            self._leave()
        if self._reader is not None:
            self._reader.stop()
            self._reader = None
        self._stream.abort()

    def _leave(self) -> None:
        del self._arrivals.under_way[self]
        self._gone()


def _shown(peer: Address) -> str:
    return str(peer[0]) if isinstance(peer, tuple) else "a unix socket"


def told_of(peer: Any, senders: tuple[Network, ...]) -> bool:
    """Whether a connection from there begins with a PROXY header; those over a unix socket do."""
    return not isinstance(peer, tuple) or is_trusted(peer[0], senders)

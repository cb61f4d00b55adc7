"""A client whose TLS is passed on as it comes: only the name in its greeting is read.

`protocol = tls-passthrough`: rules see `sni` and `client`, and from then on the connection is relayed like
one of `protocol = tcp`, the greeting first.  What does not begin with TLS is closed; nothing can be said to
it in a language that it knows.  A greeting has `timeout.client` to be whole, and a bound (`client_hello`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.errors import MessageError
from director.l7.prologue.client_hello import Greeting, HelloError
from director.l7.proxy import accounting
from director.l7.proxy.commands import Do
from director.l7.proxy.conversation import Conversation
from director.l7.routing.facts import TLSFacts
from director.model.pools import Address

if TYPE_CHECKING:
    from director.l7.routing.facts import Peer
    from director.l7.routing.service import ServiceHandle

PROTOCOL = "tls-passthrough"


class PassThrough(Conversation):
    """A conversation that waits for a greeting of TLS in place of a request."""

    __slots__ = ("_greeting", "_seen")

    def __init__(self, handle: ServiceHandle, peer: Peer, now: float) -> None:
        super().__init__(handle, peer, now)
        self._greeting = Greeting()
        self._seen = 0

    def _read_on(self, now: float) -> None:
        """Look at what came of the greeting; it stays where it is, for the server."""
        octets = self.framer.buffer
        fresh, self._seen = octets[self._seen :], len(octets)
        try:
            hello = self._greeting.feed(fresh) if fresh else None
        except HelloError as error:
            self._refuse(MessageError(400, str(error)), now, b"")
            return
        if hello is not None:
            self.requests += 1
            self.peer = self.peer.with_tls(TLSFacts(hello.name))
            if self.handle.current.config.protocol == PROTOCOL:
                self.pass_on(now)
            else:
                self._close()  # the service changed meanwhile: what it speaks now, this client does not
        elif self.ended:
            self._close()

    def _refuse(self, error: MessageError, now: float, asked: bytes) -> None:
        """Close; a page would be no TLS."""
        called = str(Address(self.peer.virtual, self.peer.virtual_port))
        accounting.refused(self, now, 0, error.reason, ("TLS", called), 0)
        self.framer.take()
        self._close(Do.CLOSE_CLIENT)

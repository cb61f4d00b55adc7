"""What an exchange may ask of the connection that its client came on.

The only thing an exchange, and all that works on one, knows of its connection.  `conversation` is the client
for HTTP/1.  A codec that carries many exchanges at a time stands beside it: it makes the heads and the bodies
that come in (`RequestHead`, `Body`), frames what goes out (`relay`), and gives each exchange a `stream`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from director.l7.http.requests import RequestHead
    from director.l7.http.response_relay import ResponseRelay
    from director.l7.proxy.commands import ProxyCommand
    from director.l7.routing.facts import Peer
    from director.l7.routing.service import CompiledService, ServiceHandle


class UpstreamFields:
    """What a server gets behind the request's target, up to the id of the request where that is lacking.

    It serves all requests whose head has these very `lines` (heads with equal ones share the object), this
    `host` and this `service`.
    """

    __slots__ = ("host", "lacks_id", "lines", "service", "text")

    def __init__(self, head: RequestHead, service: CompiledService, text: bytes, *, lacks_id: bool) -> None:
        self.lines = head.lines
        self.host = head.host
        self.service = service
        self.text = text
        self.lacks_id = lacks_id


class Client(Protocol):
    """The connection of a client.

    Attributes:
        out: the commands of the event at hand, in order; an exchange adds its own.
        handle: the service that was called.
        peer: who called whom.
        ended: the client will send nothing more (FIN); it may still read.
        leaving: it drains or has ended, so that `can_stay` must be asked.
        upstream_fields: what a server got last, for a client that repeats itself.
    """

    out: list[ProxyCommand]
    handle: ServiceHandle
    peer: Peer
    ended: bool
    leaving: bool
    upstream_fields: UpstreamFields | None

    def relay(self, request: RequestHead) -> ResponseRelay:
        """What frames the response to `request` for this client: a server's, or one of our own."""

    def can_stay(self) -> bool:
        """Another request may follow on the connection."""

    def taken(self) -> bytes:
        """The octets that came behind a head, or behind what its exchange took; they are given once."""

    def give_back(self, data: bytes) -> None:
        """Octets that do not belong to the exchange that took them."""

    @property
    def paused(self) -> bool:
        """Something of it is not taken for now."""

    def pause(self, stream: int) -> None:
        """Take no more of the body of `stream` for now."""

    def resume(self, stream: int) -> None:
        """Take it again."""

    def end(self, stream: int) -> None:
        """Nothing more comes for `stream`; the client may go on sending."""

    def cut(self, stream: int, *, visible: bool) -> None:
        """Break `stream` off.  `visible`: its framing shows that the response is not whole."""

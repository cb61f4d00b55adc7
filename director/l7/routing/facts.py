"""What one request says, as rules and schedulers ask for it (`IKey` and the terms of `when`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from attrs import field, frozen
from zope.interface import implementer

from director.caches import remember
from director.conditions.compile import NO_GROUPS, Groups
from director.interfaces import IKey
from director.l7.http.target import readings
from director.registry.registry import folded

if TYPE_CHECKING:
    from director.l7.http.requests import RequestHead


folded_address = remember("folded_addresses", 4096)(folded)

_ELEMENT = re.compile(r'(?:[^",]++|"(?:[^"\\]|\\.)*+"?+)++')
"""An element of a list field; a comma in quotes does not end it (RFC 9110 5.6.1, 5.6.4)."""

_METHODS = {name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")}
"""The common methods as text, so that they need not be decoded for each request."""


@frozen
class TLSFacts:
    """What a client's handshake told.

    `name` is the server it asked for, in lower case; `version` and `cipher` as OpenSSL names them, "" where
    TLS does not end here; `certificate` the client's own (DER) with its `chain`, b"" and () without one;
    `subject` its common name; `protocol` what is spoken inside (ALPN), b"" for nothing said.
    """

    name: str = ""
    version: str = ""
    cipher: str = ""
    certificate: bytes = field(default=b"", repr=False)
    chain: tuple[bytes, ...] = field(default=(), repr=False)
    subject: str = ""
    protocol: bytes = b""


class Peer:
    """The two ends of a client's connection: who called (address, port) and whom.

    `tls` is None in clear text.
    """

    __slots__ = ("client", "client_port", "tls", "trusted", "virtual", "virtual_port")

    def __init__(
        self,
        client: str,
        client_port: int,
        virtual: str,
        virtual_port: int,
        *,
        trusted: bool = False,
        tls: TLSFacts | None = None,
    ) -> None:
        self.tls = tls
        self.client = client
        self.client_port = client_port
        self.virtual = virtual
        self.virtual_port = virtual_port
        self.trusted = trusted

    def called_by(self, *, trusted: bool) -> Peer:
        """The same connection for a service that trusts it, or not."""
        return Peer(
            self.client, self.client_port, self.virtual, self.virtual_port, trusted=trusted, tls=self.tls
        )

    def with_tls(self, tls: TLSFacts) -> Peer:
        """The same connection when its greeting is known."""
        return Peer(
            self.client, self.client_port, self.virtual, self.virtual_port, trusted=self.trusted, tls=tls
        )


@implementer(IKey)
class RequestFacts:
    """Facts of one HTTP request.  Raises MessageError 400 when its path has no safe reading."""

    __slots__ = (
        "_peer", "client", "groups", "hash_key", "head", "host", "method", "other_paths", "path", "uri",
    )  # fmt: skip

    groups: Groups
    hash_key: str | None
    other_paths: tuple[str, ...]

    def __init__(self, head: RequestHead, peer: Peer, client: str) -> None:
        self.head = head
        self._peer = peer
        self.client = client
        # Nothing but ASCII passes the framer.
        self.uri = path = head.sent.decode()
        if head.query:
            path = path[: -len(head.query)]
        self.other_paths = ()
        # Looked at as text: `b"%" in octets` takes ten times as long (CPython 3.11).
        if "%" in path or "//" in path or "/." in path or ";" in path:
            first, others = readings(head.path)
            path = first.decode("latin-1")
            if others:
                self.other_paths = tuple(other.decode("latin-1") for other in others)
        self.path = path
        self.method = _METHODS.get(head.method) or head.method.decode("latin-1")
        self.host = head.host_name
        self.groups = NO_GROUPS
        self.hash_key = None

    @property
    def sni(self) -> str:
        """The server that the client asked for in its TLS greeting, "" without one."""
        tls = self._peer.tls
        return "" if tls is None else tls.name

    @property
    def version(self) -> str:
        """`2`, `1.1` or `1.0`."""
        return self.head.version.decode("ascii")

    @property
    def client_port(self) -> int:
        """Port of the peer."""
        return self._peer.client_port

    @property
    def virtual(self) -> str:
        """The address that was called."""
        return self._peer.virtual

    @property
    def virtual_port(self) -> int:
        """The port that was called."""
        return self._peer.virtual_port

    @property
    def client_number(self) -> int:
        """Client address folded to 32 bits."""
        return folded_address(self.client)

    @property
    def virtual_number(self) -> int:
        """Virtual address folded to 32 bits."""
        return folded_address(self.virtual)

    def header(self, name: str) -> str | None:
        """A field's value (lower-case name), repeats joined by comma."""
        return self.head.header(name)

    def headers(self, name: str) -> tuple[str, ...]:
        """All that a field (lower-case name) can be said to be.

        That is the value of each of its lines, all of them joined by comma, and each element of the list that
        they are then (RFC 9110 5.3): anybody on the way may have joined lines, or parted them.
        """
        values = self.head.lines.values(name.encode("latin-1", "replace"))
        if not values:
            return ()
        text = b", ".join(values).decode("latin-1")
        if len(values) == 1 and "," not in text:
            return (text,)
        lines = [value.decode("latin-1") for value in values]
        elements = (found[0].strip(" \t") for found in _ELEMENT.finditer(text))
        return tuple(dict.fromkeys((text, *lines, *filter(None, elements))))

    def cookie(self, name: str) -> str | None:
        """The value of the first cookie of that name."""
        return next(iter(self.cookies(name)), None)

    def cookies(self, name: str) -> tuple[str, ...]:
        """The values of all cookies of that name (RFC 6265 4.2)."""
        text = self.head.header("cookie")
        if text is None or name not in text:
            return ()
        pairs = (pair.strip().partition("=") for pair in text.replace(",", ";").split(";"))
        return tuple(value.strip('"') for key, equals, value in pairs if equals and key == name)

    def query(self, name: str) -> str | None:
        """The first value of a query parameter, decoded."""
        return next(iter(self.queries(name)), None)

    def queries(self, name: str) -> tuple[str, ...]:
        """All values of a query parameter, decoded."""
        pairs = (pair.partition("=") for pair in self.head.query[1:].decode("latin-1").split("&"))
        return tuple(unquote_plus(value) for key, _, value in pairs if unquote_plus(key) == name)

    def group(self, number: int) -> str | None:
        """A captured group of the rule's regular expression, by number (1 = the first)."""
        return self.groups.get(str(number))


@implementer(IKey)
class ConnectionFacts:
    """Facts of a connection that is relayed without being read (`protocol = tcp` and `tls-passthrough`)."""

    __slots__ = ("client", "client_port", "groups", "sni", "virtual", "virtual_port")

    host = path = uri = method = version = ""
    other_paths: tuple[str, ...] = ()
    hash_key = None
    groups: Groups

    def __init__(self, peer: Peer) -> None:
        self.groups = NO_GROUPS
        self.sni = "" if peer.tls is None else peer.tls.name
        self.client = peer.client
        self.client_port = peer.client_port
        self.virtual = peer.virtual
        self.virtual_port = peer.virtual_port

    @property
    def client_number(self) -> int:
        """Client address folded to 32 bits."""
        return folded_address(self.client)

    @property
    def virtual_number(self) -> int:
        """Virtual address folded to 32 bits."""
        return folded_address(self.virtual)

    def header(self, name: str) -> str | None:
        """Nothing was read."""
        return None

    cookie = query = header

    def cookies(self, name: str) -> tuple[str, ...]:
        """Nothing was read."""
        return ()

    headers = queries = cookies

    def group(self, number: int) -> str | None:
        """Nothing was matched."""
        return None

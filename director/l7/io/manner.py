"""How the servers of a pool are met: by a PROXY header, by TLS, or both (`send_proxy`, `tls` of a pool).

A connection's manner belongs to its key: an idle one is taken only by who wants it in the same manner.  One
that tells of a client serves that client only.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from director.l7.io.stream import Stream
from director.l7.io.tls_stream import TLSStream
from director.l7.prologue.proxy_protocol import TLV_ALPN, TLV_AUTHORITY, ssl_tlv, write_v1, write_v2
from director.tls.io.certificates import CertificateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from OpenSSL.SSL import Context

    from director.l7.routing.facts import Peer
    from director.model.pools import ServerTLS
    from director.registry.registry import RealServer

SUFFIX = " by "
"""What stands between an address and its manner in the key of a connection; no address holds it."""

NOBODY = "another-name.invalid"
"""A name that no certificate is for (RFC 6761 6.4)."""


class Manner:
    """One manner.

    Attributes:
        suffix: behind the address in the connection's key.
        header: the PROXY header, b"" for none.
        multiplexes: it is HTTP/2.
        refused: why no connection can be made, "" when it can.
    """

    __slots__ = ("_context", "_name", "_verify", "header", "multiplexes", "refused", "suffix")

    def __init__(
        self,
        suffix: str,
        header: bytes,
        context: Context | None,
        name: str,
        verify: str,
        refused: str = "",
        *,
        multiplexes: bool = False,
    ) -> None:
        self.suffix = suffix
        self.header = header
        self.multiplexes = multiplexes
        self._context = context
        self._name = name
        self._verify = verify
        self.refused = refused

    @property
    def secure(self) -> bool:
        """Inside TLS."""
        return self._context is not None

    def stream(self, reactor: Any, sock: socket.socket, owner: Any) -> Stream:
        """A stream that is going to be connected."""
        if self._context is None:
            made = Stream(reactor, sock, owner, connecting=True)
            if self.header:
                made.write(self.header)
            return made
        return TLSStream(
            reactor,
            sock,
            self._context,
            owner,
            connecting=True,
            name=self._name,
            verify=self._verify,
            header=self.header,
        )


class Manners:
    """The manners of one director.

    Args:
        context: gives the context of a pool's TLS and protocol, and of what an injected fault makes of
            them ("" = nothing); raises CertificateError.
    """

    def __init__(self, context: Callable[[ServerTLS, str, str], Context] | None) -> None:
        self._context = context

    def of(self, server: RealServer, peer: Peer, wrong: str = "") -> Manner:
        """How `server` is met on behalf of `peer`; `wrong`: what is wrong with its certificate on purpose."""
        config = server.pool.config
        header = _header(config.send_proxy, peer)
        tls, h2 = config.tls, config.protocol == "h2"
        if tls is None:
            suffix = f"{SUFFIX}{config.protocol} {config.send_proxy}"
            return Manner(suffix, header, None, "", "", multiplexes=h2)
        name = tls.name or server.config.address.host
        suffix = f"{SUFFIX}TLS {hash((tls, name)):x} {config.protocol} {config.send_proxy}"
        if wrong:
            suffix += f" {wrong}"  # nobody else meets such a connection
        if self._context is None:
            return Manner(suffix, header, None, "", "", "TLS is not set up here")
        try:
            context = self._context(tls, config.protocol, wrong)
        except CertificateError as error:
            return Manner(suffix, header, None, "", "", f"TLS: {error}")
        asked = "" if _is_address(name) else name
        verified = NOBODY if wrong == "wrong_name" else name
        return Manner(suffix, header, context, asked, verified if tls.verify else "", multiplexes=h2)


def _is_address(name: str) -> bool:
    """No name: the server's address, which is not asked for by SNI (RFC 6066 3)."""
    return ":" in name or name.replace(".", "").isdigit()


def _header(version: str, peer: Peer) -> bytes:
    if version == "off":
        return b""
    source = destination = None
    if peer.client != "unix":
        source, destination = (peer.client, peer.client_port), (peer.virtual, peer.virtual_port)
    if version == "v1":
        return write_v1(source, destination)
    tls = peer.tls
    more = []
    if tls is not None and tls.protocol:
        more.append((TLV_ALPN, tls.protocol))
    if tls is not None and tls.name:
        more.append((TLV_AUTHORITY, tls.name.encode("utf-8")))
    if tls is not None and tls.version:
        shown = bool(tls.certificate)
        more.append(ssl_tlv(tls.version, tls.cipher, tls.subject, certificate=shown, verified=shown))
    return write_v2(source, destination, more)

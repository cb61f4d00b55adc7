"""TLS with a server of OpenSSL in memory: good, of another name or authority, ended, hung, in clear text."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from OpenSSL import SSL
from twisted.internet import error
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure

from director.health.io.probes import Probe
from director.health.schedule import CheckTarget
from director.model.pools import Address, Check, ServerTLS
from director.registry.evidence import Result
from tests.support.certificates import Made, make

AUTHORITY = make(authority=True, subject="our authority")
WHERE = Address("10.0.0.1", 443)


class Server:
    """A probe in a reactor of memory, and the server's end of its connection."""

    def __init__(self, check: Check, made: Made, tmp_path: Path, name: str = "shop.example.org") -> None:
        authority, _ = AUTHORITY.write(tmp_path, "ca")
        chain, key = made.write(tmp_path, "server")
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.use_certificate_chain_file(chain)
        context.use_privatekey_file(key)
        self.tls = SSL.Connection(context, None)
        self.tls.set_accept_state()
        self.reactor: Any = MemoryReactorClock()
        self.results: list[Result] = []
        target = CheckTarget(WHERE, check, ServerTLS(ca=authority, name=name))
        self.probe = Probe(self.reactor, self.reactor.seconds, target, self.results.append, lambda: None)
        self.probe.start()
        self.transport = StringTransport()
        factory: Any = self.reactor.tcpClients[0][2]
        self.protocol: Any = factory.buildProtocol(None)
        self.protocol.makeConnection(self.transport)

    def exchange(self) -> None:
        """Carry octets to and fro until neither end has more."""
        while octets := self.transport.value():
            self.transport.clear()
            self.tls.bio_write(octets)
            with contextlib.suppress(SSL.Error):
                self.tls.do_handshake()
            self.answer()
            self.reactor.advance(0)

    def answer(self) -> None:
        try:
            self.protocol.dataReceived(self.tls.bio_read(65536))
        except SSL.WantReadError:
            return

    @property
    def words(self) -> tuple[bool | None, str]:
        if not self.results:
            self.protocol.connectionLost(Failure(error.ConnectionDone()))
        return self.results[0].alive, self.results[0].reason


HANDSHAKE = Check("c", "tls", timeout=1.0)


def issued(*names: str, days: float = 30.5) -> Made:
    return make(*names, days=days, issuer=AUTHORITY)


def test_a_good_server_is_alive_and_its_phases_are_kept(tmp_path: Path) -> None:
    server = Server(HANDSHAKE, issued("shop.example.org"), tmp_path)
    server.reactor.advance(0.25)
    server.exchange()
    assert server.words == (True, "TLSv1.3, the certificate lasts 30.5 days")
    assert server.results[0].phases == (("connect", 0.0), ("handshake", 0.25))


@pytest.mark.parametrize(
    ("made", "check", "why"),
    [
        (issued("other.example.org"), HANDSHAKE, "TLS: the server's certificate is not for shop.example.org"),
        (
            issued("shop.example.org", days=-1.0),
            HANDSHAKE,
            "TLS: certificate verify failed: certificate has expired",
        ),
        (
            make("shop.example.org"),
            HANDSHAKE,
            "TLS: certificate verify failed: self-signed certificate",
        ),
        (
            issued("shop.example.org", days=3.5),
            Check("c", "tls", days=14.0),
            "TLS: the certificate lasts 3.5 days, expected 14",
        ),
    ],
)
def test_a_server_that_is_not_who_it_shall_be_is_dead(
    made: Made, check: Check, why: str, tmp_path: Path
) -> None:
    server = Server(check, made, tmp_path)
    server.exchange()
    assert server.words == (False, why)


def test_a_server_without_tls_is_dead(tmp_path: Path) -> None:
    server = Server(HANDSHAKE, issued("shop.example.org"), tmp_path)
    server.protocol.dataReceived(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert server.words == (False, "TLS: the server answers in clear text")


def test_a_handshake_that_hangs_or_breaks_is_named(tmp_path: Path) -> None:
    server = Server(HANDSHAKE, issued("shop.example.org"), tmp_path)
    server.reactor.advance(1.01)
    assert server.words == (False, "no TLS handshake within 1s")
    server = Server(HANDSHAKE, issued("shop.example.org"), tmp_path)
    assert server.words == (False, "TLS: the connection was closed in the handshake")


def test_https_asks_inside(tmp_path: Path) -> None:
    server = Server(Check("c", "https", target="/live"), issued("shop.example.org"), tmp_path)
    server.exchange()
    assert server.tls.recv(4096).startswith(b"GET /live HTTP/1.1\r\nHost: 10.0.0.1:443\r\n")
    server.tls.send(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")
    server.answer()
    assert server.words == (False, "status 503, expected 200-399")
    assert server.results[0].octets > 0
    assert server.results[0].seen == "'HTTP/1.1 503 No??Content-Length: 0????'"

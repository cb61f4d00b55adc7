"""Probes a handful of small servers once each and prints the verdicts; run by `test_loopback`."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

from attrs import evolve
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, StreamEnded
from OpenSSL import SSL
from twisted.internet import reactor as installed
from twisted.internet.defer import fail, succeed
from twisted.internet.protocol import DatagramProtocol, Factory, Protocol
from twisted.internet.ssl import DefaultOpenSSLContextFactory
from twisted.names import dns
from twisted.names.common import ResolverBase
from twisted.names.error import DomainError
from twisted.names.server import DNSServerFactory

from director.health.io.service import HealthService
from director.model.conditions import Term
from director.model.pools import Address, Check, Pool, ScriptStep, Server, ServerTLS
from director.model.settings import Configuration
from director.registry.changes import plan
from director.registry.registry import Registry
from tests.support.certificates import make
from tests.support.registries import FirstFit

reactor: Any = installed
AUTHORITY = make(authority=True, subject="our authority")


def answering(answer: bytes) -> Factory:
    """A server that says `answer` to whatever comes and closes; says nothing when it is empty."""

    class Answering(Protocol):
        def dataReceived(self, data: bytes) -> None:
            if answer and self.transport is not None:
                self.transport.write(answer)
                self.transport.loseConnection()

    return Factory.forProtocol(Answering)


def listen(answer: bytes) -> Address:
    port = reactor.listenTCP(0, answering(answer), interface="127.0.0.1")
    return Address("127.0.0.1", port.getHost().port)


def greeting(words: bytes) -> Address:
    """A server that speaks first, and answers nothing."""

    class Greeting(Protocol):
        def connectionMade(self) -> None:
            assert self.transport is not None
            self.transport.write(words)

    port = reactor.listenTCP(0, Factory.forProtocol(Greeting), interface="127.0.0.1")
    return Address("127.0.0.1", port.getHost().port)


class Echo(DatagramProtocol):
    """Sends back what comes."""

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        assert self.transport is not None
        self.transport.write(datagram, addr)


class Mute(DatagramProtocol):
    """Takes, and says nothing."""


def in_datagrams(protocol: Any) -> Address:
    return Address("127.0.0.1", reactor.listenUDP(0, protocol, interface="127.0.0.1").getHost().port)


class Zone(ResolverBase):
    """Knows one name."""

    def _lookup(self, name: bytes, cls: int, kind: int, timeout: Any) -> Any:
        if name != b"www.example.org":
            return fail(DomainError(name))
        return succeed(([dns.RRHeader(name, dns.A, payload=dns.Record_A("192.0.2.1"))], [], []))


def others(refused: int) -> tuple[tuple[Check, dict[str, Address]], ...]:
    """Checks of the other kinds, with servers for each."""
    redis = listen(b"+PONG\r\n")
    resolver = in_datagrams(dns.DNSDatagramProtocol(DNSServerFactory(clients=[Zone()])))
    handshake = b"\x0a8.0.36\0" + bytes(44)
    steps = (ScriptStep(False, b"+OK"), ScriptStep(True, b"QUIT\r\n"))
    return (
        (Check("ping", "redis", timeout=0.5), {"redis": redis, "loads": listen(b"-LOADING x\r\n")}),
        (Check("base", "postgres", timeout=0.5), {"postgres": listen(b"R\0\0\0\x08\0\0\0\0")}),
        (
            Check("my", "mysql", timeout=0.5),
            {"mysql": greeting(bytes([len(handshake), 0, 0, 0]) + handshake)},
        ),
        (
            Check("mail", "smtp", timeout=0.5),
            {"smtp": greeting(b"220 x\r\n"), "busy": greeting(b"421 x\r\n")},
        ),
        (
            Check("pop", "script", timeout=0.5, steps=steps),
            {"pop": greeting(b"+OK\r\n"), "mute": greeting(b"+")},
        ),
        (
            Check("echo", "udp", timeout=0.5, payload=b"ping"),
            {
                "udp": in_datagrams(Echo()),
                "closed": Address("127.0.0.1", refused),
                "silent": in_datagrams(Mute()),
            },
        ),
        (
            Check("name", "dns", timeout=0.5, question=("A", "www.example.org")),
            {"dns": resolver, "echoes": in_datagrams(Echo()), "byname": evolve(resolver, host="localhost")},
        ),
        (Check("other", "dns", timeout=0.5, question=("A", "no.example.org")), {"nxdomain": resolver}),
        (
            Check("good", "exec", timeout=0.5, command=("sh", "-c", "echo $CHECK_PORT")),
            {"program": Address("127.0.0.1", 7)},
        ),
        (Check("hung", "exec", timeout=0.5, command=("sleep", "60")), {"sleeps": Address("127.0.0.1", 7)}),
        (
            Check("bad", "exec", timeout=0.5, command=("sh", "-c", "exit 3")),
            {"ends": Address("127.0.0.1", 7)},
        ),
        (Check("flood", "exec", timeout=0.5, command=("yes",)), {"floods": Address("127.0.0.1", 7)}),
        (Check("none", "exec", timeout=0.5, command=("/no/such",)), {"lacks": Address("127.0.0.1", 7)}),
        (Check("elsewhere", timeout=0.5, port=redis.port), {"port": Address("127.0.0.1", 1)}),
    )


FULL: list[socket.socket] = []
"""Keeps the connections that fill a server."""


def full() -> Address:
    """A server whose queue of connections is full, because nobody accepts them (listen(2))."""
    server = socket.create_server(("127.0.0.1", 0), backlog=0)
    FULL.append(server)
    for _ in range(4):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(server.getsockname())
        FULL.append(client)
    return Address(*server.getsockname())


def closing(words: bytes) -> Address:
    """A server that breaks off in its first words."""

    class Closing(Protocol):
        def connectionMade(self) -> None:
            assert self.transport is not None
            self.transport.write(words)
            self.transport.loseConnection()

    port = reactor.listenTCP(0, Factory.forProtocol(Closing), interface="127.0.0.1")
    return Address("127.0.0.1", port.getHost().port)


def half_broken(tls: ServerTLS) -> tuple[tuple[Check, dict[str, Address]], ...]:
    """Servers of each kind that break off in their answer, and that say nothing at all."""
    mute = listen(b"")
    more: dict[str, dict[str, Any]] = {
        "http": {"statuses": ((200, 299),), "terms": (Term("body", "", "*=", ("good",)),)},
        "script": {"steps": (ScriptStep(False, b"+OK"),)},
        "https": {"tls": tls},
        "tls": {"tls": tls},
        "agent": {"rise": 1, "fall": 1},
    }
    begins = {
        "http": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nall go",
        "https": b"\x16\x03\x03\x00\x7a\x02\x00",
        "tls": b"",
        "grpc": b"\x00\x00\x12\x04\x00",
        "redis": b"+PO",
        "postgres": b"E\x00\x00",
        "mysql": b"\x4a\x00\x00\x00\x0a8.0",
        "smtp": b"22",
        "script": b"+O",
        "agent": b"75",
    }
    return tuple(
        (
            Check(f"half {kind}", kind, timeout=0.5, **more.get(kind, {})),
            {f"half {kind}": closing(begin), f"mute {kind}": mute},
        )
        for kind, begin in begins.items()
    )


def secure(folder: Path, *names: str, days: float = 30.0, answer: bytes = b"") -> Address:
    """A server of TLS with a certificate of our authority."""
    made = make(*names, days=days, issuer=AUTHORITY)
    stem = f"{'-'.join(names)}{days:g}"
    chain, key = made.write(folder, stem)
    context = DefaultOpenSSLContextFactory(key, chain, sslmethod=SSL.TLS_SERVER_METHOD)
    port = reactor.listenSSL(0, answering(answer), context, interface="127.0.0.1")
    return Address("127.0.0.1", port.getHost().port)


class Grpc(Protocol):
    """A gRPC server that knows the service `shop` alone; h2's own server side."""

    def connectionMade(self) -> None:
        self.h2 = H2Connection(H2Configuration(client_side=False))
        self.h2.initiate_connection()
        self.asked = b""

    def dataReceived(self, data: bytes) -> None:
        for event in self.h2.receive_data(data):
            if isinstance(event, DataReceived):
                self.asked += event.data
            elif isinstance(event, StreamEnded):
                self.h2.send_headers(1, [(":status", "200"), ("content-type", "application/grpc")])
                if self.asked.endswith(b"shop"):
                    self.h2.send_data(1, b"\0\0\0\0\x02\x08\x01")
                self.h2.send_headers(1, [("grpc-status", "0" if self.asked.endswith(b"shop") else "5")], True)
        assert self.transport is not None
        self.transport.write(self.h2.data_to_send())


def with_tls(folder: Path, good: Address) -> tuple[tuple[Check, dict[str, Address]], ...]:
    """Checks of TLS, gRPC and agents."""
    authority, _ = AUTHORITY.write(folder, "ca")
    ours = ServerTLS(ca=authority, name="shop.test")
    fine = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    grpc = reactor.listenTCP(0, Factory.forProtocol(Grpc), interface="127.0.0.1").getHost().port
    grpcs = Address("127.0.0.1", grpc)
    return (
        (
            Check("tls", "tls", timeout=0.5, tls=ours, days=14.0),
            {
                "secure": secure(folder, "shop.test"),
                "othername": secure(folder, "other.test"),
                "ended": secure(folder, "shop.test", days=-1.0),
                "endssoon": secure(folder, "shop.test", days=3.0),
                "notls": good,
                "stalls": listen(b""),
            },
        ),
        (
            Check("https", "https", timeout=0.5, tls=ours, statuses=((200, 299),)),
            {
                "https": secure(folder, "shop.test", days=20.0, answer=fine),
                "https503": secure(folder, "shop.test", days=21.0, answer=b"HTTP/1.1 503 No\r\n\r\n"),
            },
        ),
        (Check("grpc", "grpc", timeout=0.5, service="shop"), {"grpc": grpcs, "nogrpc": good}),
        (Check("grpcall", "grpc", timeout=0.5), {"grpcnone": grpcs}),
        (
            Check("agent", "agent", timeout=0.5, rise=1, fall=1),
            {
                "agent": greeting(b"50%\n"),
                "agentdown": greeting(b"down#full\n"),
                "agentlies": greeting(b"HTTP/1.1 200 OK\r\n"),
                "agentmute": listen(b""),
                "agentfloods": greeting(b"7" * 1_000_000),
            },
        ),
    )


def main(path: str, refused: int) -> None:
    reactor.listenUNIX(path, answering(b""))
    good = listen(b"HTTP/1.1 200 OK\r\n\r\nfine")
    http = {
        "good": good,
        "bad": listen(b"HTTP/1.1 503 No\r\n\r\n"),
        "big": listen(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 10_000_000),
        "hangs": listen(b""),
    }
    tcp = {
        "unix": Address(path=path),
        "name": evolve(good, host="localhost"),
        "refused": Address("127.0.0.1", refused),
        "full": full(),
        "nosocket": Address(path=path + ".none"),
    }
    checked = (
        (Check("deep", kind="http", timeout=0.5, statuses=((200, 299),)), http),
        (Check("alive", timeout=0.5), tcp),
        *others(refused),
        *with_tls(Path(path).parent, good),
        *half_broken(ServerTLS(verify=False)),
    )
    configuration = Configuration(
        pools=tuple(
            Pool(check.name, tuple(Server(name, one) for name, one in servers.items()), checks=(check.name,))
            for check, servers in checked
        ),
        checks=tuple(check for check, _ in checked),
    )
    registry = Registry(FirstFit)
    registry.apply(plan(Configuration(), configuration), "test", 0.0, 0.0)
    service = HealthService(registry, reactor, reactor.seconds, lambda _changed: None)
    service.startService()
    names = {(str(one), check.name): name for check, servers in checked for name, one in servers.items()}

    def finish() -> None:
        for shown in service.snapshot():
            result = shown.results[0]
            sys.stdout.write(f"{names[shown.address, shown.check]} = {result.alive} {result.reason}\n")
        service.stopService()
        reactor.stop()
        for each in FULL:
            each.close()

    reactor.callLater(1.9, finish)
    reactor.run()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

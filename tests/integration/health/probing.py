"""Probes a handful of small servers once each and prints the verdicts; run by `test_loopback`."""

from __future__ import annotations

import sys
from typing import Any

from attrs import evolve
from twisted.internet import reactor as installed
from twisted.internet.defer import fail, succeed
from twisted.internet.protocol import DatagramProtocol, Factory, Protocol
from twisted.names import dns
from twisted.names.common import ResolverBase
from twisted.names.error import DomainError
from twisted.names.server import DNSServerFactory

from director.health.io.service import HealthService
from director.model.pools import Address, Check, Pool, ScriptStep, Server
from director.model.settings import Configuration
from director.registry.changes import plan
from director.registry.registry import Registry
from tests.support.registries import FirstFit

reactor: Any = installed


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
        (Check("elsewhere", timeout=0.5, port=redis.port), {"port": Address("127.0.0.1", 1)}),
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
        "nosocket": Address(path=path + ".none"),
    }
    checked = (
        (Check("deep", kind="http", timeout=0.5, statuses=((200, 299),)), http),
        (Check("alive", timeout=0.5), tcp),
        *others(refused),
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

    reactor.callLater(1.9, finish)
    reactor.run()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

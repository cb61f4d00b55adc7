"""Probes a handful of small servers once each and prints the verdicts; run by `test_loopback`."""

from __future__ import annotations

import sys
from typing import Any

from attrs import evolve
from twisted.internet import reactor as installed
from twisted.internet.protocol import Factory, Protocol

from director.health.io.service import HealthService
from director.model.pools import Address, Check, Pool, Server
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
    configuration = Configuration(
        pools=(
            Pool("http", tuple(Server(name, one) for name, one in http.items()), checks=("deep",)),
            Pool("tcp", tuple(Server(name, one) for name, one in tcp.items()), checks=("alive",)),
        ),
        checks=(
            Check("deep", kind="http", timeout=0.5, statuses=((200, 299),)),
            Check("alive", timeout=0.5),
        ),
    )
    registry = Registry(FirstFit)
    registry.apply(plan(Configuration(), configuration), "test", 0.0, 0.0)
    service = HealthService(registry, reactor, reactor.seconds, lambda _changed: None)
    service.startService()
    names = {
        (str(one), check): name
        for each, check in ((http, "deep"), (tcp, "alive"))
        for name, one in each.items()
    }

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

"""What a thousand health checks cost: processor time of a process that does nothing else.

`python -m tests.bench.checks [--count 1000] [--every 2.0] [--seconds 20]`; servers are one loop of their own
in another process, at addresses of 127.0.0.0/8, so that every check has its own connection.
"""

from __future__ import annotations

import argparse
import gc
import os
import resource
import subprocess
import sys
from typing import Any

from twisted.internet.protocol import Factory, Protocol

from director.health.io.service import HealthService
from director.model.pools import Address, Check, Pool, Server
from director.model.settings import Configuration
from director.registry.changes import plan
from director.registry.registry import Registry
from tests.support.registries import FirstFit

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


class Answering(Protocol):
    """Says that all is well to whatever comes."""

    transport: Any = None

    def dataReceived(self, data: bytes) -> None:
        self.transport.write(ANSWER)
        self.transport.loseConnection()


def serve() -> None:
    """Be the server, and say at which port."""
    from twisted.internet import reactor as installed

    reactor: Any = installed
    port = reactor.listenTCP(0, Factory.forProtocol(Answering), interface="0.0.0.0")
    sys.stdout.write(f"{port.getHost().port}\n")
    sys.stdout.flush()
    reactor.run()


def measure(kind: str, count: int, every: float, seconds: float, port: int) -> None:
    """Make the checks for so long, and print what they cost."""
    from twisted.internet import reactor as installed

    reactor: Any = installed
    check = Check("c", kind, every=every, timeout=1.0)
    servers = tuple(
        Server(f"s{n}", Address(f"127.{1 + n // 65025}.{n // 255 % 255}.{1 + n % 254}", port))
        for n in range(count)
    )
    registry = Registry(FirstFit)
    pools = (Pool("web", servers, checks=("c",)),)
    registry.apply(plan(Configuration(), Configuration(pools=pools, checks=(check,))), "bench", 0.0, 0.0)
    service = HealthService(registry, reactor, reactor.seconds, lambda _: None)
    service.startService()
    began: list[tuple[float, int]] = []

    def used() -> float:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime + usage.ru_stime

    def begin() -> None:
        gc.collect()
        gc.freeze()
        began.append((used(), service.probes))

    def end() -> None:
        spent, made = used() - began[0][0], service.probes - began[0][1]
        failed = sum(one.alive is not True for one in service.snapshot())
        print(
            f"{kind}: {count} checks every {every:g}s: {spent / seconds:.1%} of a processor, "
            f"{made / seconds:.0f} probes/s, {spent / made * 1e6:.0f} us each, {failed} not up"
        )
        reactor.stop()

    reactor.callLater(3.0, begin)
    reactor.callLater(3.0 + seconds, end)
    reactor.run()


def main() -> None:
    """Measure each kind in a process of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--every", type=float, default=2.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--kind", default="")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    if options.kind == "serve":
        serve()
        return
    if options.kind:
        from director.l7.io.reactor import install

        install()
        measure(options.kind, options.count, options.every, options.seconds, options.port)
        return
    here = [sys.executable, "-m", "tests.bench.checks"]
    with subprocess.Popen([*here, "--kind", "serve"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        numbers = [f"--{name}={getattr(options, name)}" for name in ("count", "every", "seconds")]
        for kind in ("tcp", "http"):
            subprocess.run(
                [*here, "--kind", kind, "--port", port, *numbers], check=True, env=dict(os.environ)
            )
        server.terminate()


if __name__ == "__main__":
    main()

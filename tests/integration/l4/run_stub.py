"""Run the shell with the stub forwarder: run_stub.py STATE_DIR NAME METHOD VIP:PORT RIP:PORT PROTOCOLS."""

from __future__ import annotations

import ipaddress
import json
import sys
import time
from pathlib import Path

from stub_forwarder import StubForwarder
from twisted.internet import reactor
from twisted.logger import globalLogBeginner, textFileLogObserver

from director.l4.io.director import L4Director
from director.l4.io.kernel import KernelView
from director.model import Address, Forward, L4Service, L4Settings, Pool, Server, Virtual


def main(state_dir: str, name: str, method: str, virtual: str, real: str, protocol: str) -> None:
    globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stderr)], redirectStandardIO=False)
    vip, vport = virtual.rsplit(":", 1)
    rip, rport = real.rsplit(":", 1)
    services = [
        L4Service(one, Virtual(one, vip, int(vport)), "web", Forward(method)) for one in protocol.split(",")
    ]
    pool = Pool("web", (Server("a", Address(rip, int(rport))),))

    def forwarder(view: KernelView) -> object:
        packed = [ipaddress.ip_address(one).packed for one in (vip, rip)]
        return StubForwarder(view, method, packed[0], int(vport), packed[1], int(rport))

    layer = L4Director(
        reactor,
        time.monotonic,
        name,
        state_dir=Path(state_dir),
        settings=L4Settings(),
        forwarder=forwarder,
    )

    def ready(_result: object) -> None:
        sys.stdout.write(json.dumps({"ready": True, "troubles": layer.troubles}) + "\n")
        sys.stdout.flush()

    def start() -> None:
        layer.startService()
        if layer.lacking:
            sys.stdout.write(json.dumps({"lacking": str(layer.lacking)}) + "\n")
            sys.stdout.flush()
        layer.reload(services, {"web": pool}).addCallback(ready)

    def counters() -> None:
        Path(state_dir, "counters.json").write_text(json.dumps(layer.counters()))

    reactor.callWhenRunning(start)
    reactor.addSystemEventTrigger("before", "shutdown", counters)
    reactor.addSystemEventTrigger("before", "shutdown", layer.stopService)
    reactor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])

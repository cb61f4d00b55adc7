"""The admin over a sample, on a free port: `python -m tests.browser.served well|trouble STATE_DIR`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.task import LoopingCall

from director.admin.service import AdminService
from director.model.pools import Address
from director.registry.reports import Instant
from tests.unit.admin import sample


def main(kind: str, state_dir: str) -> None:
    """Serve until a signal comes; the first line of output is the link that signs in."""
    control = sample.control()
    sample.fill(control)
    if kind == "trouble":
        sample.trouble(control)
    start, first = time.monotonic(), control.at

    def go_on() -> None:
        passed = time.monotonic() - start
        control.at = Instant(first.now + passed, first.time + passed)
        control.registry.services["l7:www"].requests.requests += 50
        for server in control.registry.pools["web"].servers[:2]:
            server.requests.requests += 25

    LoopingCall(go_on).start(0.2)
    service = AdminService(control, Address("127.0.0.1", 0), Path(state_dir), reactor)
    service.startService()
    sys.stdout.write(service.link + "\n")
    sys.stdout.flush()
    reactor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])

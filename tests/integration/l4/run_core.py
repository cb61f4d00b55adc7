"""Run layer 4 alone, without layer 7 and without an ini.

run_core.py STATE_DIR NAME METHOD VIP:PORT SERVER:PORT[,SERVER:PORT…] PROTOCOL[,PROTOCOL…] [KEY=VALUE…]
(keys: scheduler, those of `[l4]`, and `backup=1`: as if the backup synchronisation daemon ran;
a protocol `mark7` makes a mark service).  Prints one line of JSON when the rules stand;
SIGUSR1 writes the counters into STATE_DIR; so does SIGTERM, which ends it.
"""

from __future__ import annotations

import json
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.logger import globalLogBeginner, textFileLogObserver

from director import plugins
from director.config.parse.virtuals import marks
from director.l4.flows import Flow
from director.l4.forwarder import Forwarder
from director.l4.io.netlink.view import KernelView
from director.l4.io.service import L4Director
from director.model.pools import Address, Forward, Pool, SchedulerSpec, Server
from director.model.settings import Configuration
from director.model.virtual import L4Service, L4Settings, Mark, Virtual
from director.registry.changes import plan
from director.registry.registry import Registry


def _address(text: str) -> Address:
    host, _colon, port = text.rpartition(":")
    return Address(host.strip("[]"), int(port))


def configuration(method: str, virtual: str, reals: str, protocols: str, scheduler: str) -> Configuration:
    vip = _address(virtual)
    servers = tuple(Server(f"s{number}", _address(one)) for number, one in enumerate(reals.split(",")))
    services = tuple(
        L4Service(
            one,
            Virtual(fwmark=int(one[4:])) if one.startswith("mark") else Virtual(one, vip.host, vip.port),
            "pool",
            Forward(method),
            persistent=None if vip.port else 300.0,
        )
        for one in protocols.split(",")
    )
    return Configuration(pools=(Pool("pool", servers, SchedulerSpec(scheduler)),), l4=services)


def main(state_dir: str, name: str, *words: str) -> None:
    globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stderr)], redirectStandardIO=False)
    pairs = dict(one.split("=", 1) for one in words[4:])
    method, virtual, reals, protocols = words[:4]
    desired = configuration(method, virtual, reals, protocols, pairs.pop("scheduler", "rr"))
    backup = bool(pairs.pop("backup", ""))
    catalog = plugins.catalog()
    registry = Registry(lambda spec: catalog.make(spec, random.Random(1)))
    registry.apply(plan(Configuration(), desired), "test", time.monotonic(), time.time())
    given = tuple(
        Mark(int(key[5:]), *rule)
        for key in [one for one in pairs if one.startswith("mark.")]
        for rule in marks(pairs.pop(key))
    )
    numbers: dict[str, Any] = {key: int(value) for key, value in pairs.items()}
    wanted = L4Settings(**numbers, marks=given)
    made: list[Forwarder] = []

    def forwarder(view: KernelView, forget: Callable[[Flow], None]) -> Forwarder:
        made.append(Forwarder(registry, view, random.Random(1), wanted, forget))
        made[0].backup = backup
        return made[0]

    layer = L4Director(
        reactor,
        time.monotonic,
        name,
        state_dir=Path(state_dir),
        settings=wanted,
        forwarder=forwarder,
    )

    def ready(_result: object) -> None:
        sys.stdout.write(json.dumps({"ready": True, "troubles": layer.troubles}) + "\n")
        sys.stdout.flush()

    def start() -> None:
        layer.startService()
        layer.reload(desired.l4, {pool.name: pool for pool in desired.pools}).addCallback(ready)

    def counters() -> None:
        core = made[0].counters if made else {}
        found = layer.counters() | {f"core_{key}": value for key, value in core.items()}
        whole = Path(state_dir, "counters.new")
        whole.write_text(json.dumps(found))
        whole.rename(Path(state_dir, "counters.json"))

    signal.signal(signal.SIGUSR1, lambda *_: reactor.callFromThread(counters))  # type: ignore[attr-defined]
    reactor.callWhenRunning(start)
    reactor.addSystemEventTrigger("before", "shutdown", counters)
    reactor.addSystemEventTrigger("before", "shutdown", layer.stopService)
    reactor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])

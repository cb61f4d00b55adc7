"""client -- director -- server in namespaces, with the layer-4 shell and the stub forwarder in the middle."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TypeVar

import director
from director.demo.netns import Namespaces, end
from director.errors import DirectorError

SOURCES = Path(director.__file__).resolve().parents[1]
HERE = Path(__file__).parent
VIP, REAL = "198.51.100.10", "172.16.0.2"
Found = TypeVar("Found")


def wait_for(condition: object, patience: object = 10.0, every: object = 0.05) -> object:
    """What `condition` returns, once it is true; fails after `patience` seconds."""
    deadline = time.monotonic() + patience
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {patience} s: {condition}"
        time.sleep(every)


class Bed:
    """client -- director -- server, and the layer-4 shell with the stub forwarder in the middle."""

    def __init__(self, net: Namespaces, place: object) -> None:
        self.net, self.place = net, place
        self.client, self.director, self.server = net.add("c"), net.add("d"), net.add("s")
        self.sides = {}
        net.link(self.client, "c0", self.director, "d0")
        net.link(self.director, "d1", self.server, "s0")
        net.address(self.client, "c0", "10.0.0.2/24")
        net.address(self.director, "d0", "10.0.0.1/24")
        net.address(self.director, "d1", "172.16.0.1/24")
        net.address(self.server, "s0", f"{REAL}/24")
        net.run(self.client, "ip", "route", "add", "default", "via", "10.0.0.1")
        net.run(self.server, "ip", "route", "add", "default", "via", "172.16.0.1")
        net.run(self.director, "sysctl", "-qw", "net.ipv4.ip_forward=1")

    def start(
        self,
        *,
        name: str = "edge-1",
        vip: str = VIP,
        method: str = "nat",
        state: str = "state",
        where: str | None = None,
        prefix: tuple[str, ...] = (),
        protocol: int = "tcp",
    ) -> object:
        """Run the shell until it says it is ready; the process, and what it said."""
        place = self.place / state
        place.mkdir(exist_ok=True)
        log = place / "log"
        log.write_bytes(b"")
        argv = [str(HERE / "run_stub.py"), str(place), name, method, f"{vip}:8080", f"{REAL}:8080", protocol]
        process = self.net.start(
            where or self.director,
            *prefix,
            sys.executable,
            *argv,
            log=log,
            env={"PYTHONPATH": os.pathsep.join((str(SOURCES), str(HERE)))},
        )

        def said() -> object:
            assert process.poll() is None, log.read_text()
            lines = [line for line in log.read_text().splitlines() if line.startswith("{")]
            return json.loads(lines[-1]) if lines else None

        return process, wait_for(said)

    def stop(self, process: object) -> None:
        assert end(process, 10) == 0

    def serve(self, port: int = 8080, where: str | None = None, text: str = "hello") -> None:
        """A web server that answers `text`."""
        place = self.place / f"www{port}{text}"
        place.mkdir()
        (place / "index.html").write_text(text)
        where = where or self.server
        self.net.start(where, sys.executable, "-m", "http.server", str(port), "-d", str(place))
        wait_for(lambda: f":{port} " in self.net.run(where, "ss", "-ltn"))

    def get(self, url: object, where: str | None = None, seconds: float = 3) -> object:
        """The body, or None when nothing answers."""
        try:
            return self.net.run(where or self.client, "curl", "-s", "-m", str(seconds), url)
        except DirectorError:
            return None

    def addresses(self, where: str | None = None) -> object:
        return self.net.run(where or self.director, "ip", "-o", "-4", "address", "show", "dev", "lo")

    def tables(self, where: str | None = None) -> object:
        return self.net.run(where or self.director, "nft", "list", "tables")

    def devices(self) -> object:
        return self.net.run(self.director, "ip", "-br", "link")

"""Namespaces for the layer-4 tests: unique names per run, taken down whatever happens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import director
from director.demo.netns import Namespaces, end, lacking
from director.errors import DirectorError

SOURCES = Path(director.__file__).resolve().parents[1]
HERE = Path(__file__).parent
VIP, REAL = "198.51.100.10", "172.16.0.2"


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in Path(item.path).parents:
            item.add_marker(pytest.mark.integration)
            item.add_marker(pytest.mark.root)


@pytest.fixture
def net():
    missing = lacking()
    if missing:
        pytest.skip(f"{missing}; it runs where `make test` runs as root")
    with Namespaces("dirtest") as made:
        yield made


def wait_for(condition, patience=10.0, every=0.05):
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

    def __init__(self, net, place):
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
        self, *, name="edge-1", vip=VIP, method="nat", state="state", where=None, prefix=(), protocol="tcp"
    ):
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

        def said():
            assert process.poll() is None, log.read_text()
            lines = [line for line in log.read_text().splitlines() if line.startswith("{")]
            return json.loads(lines[-1]) if lines else None

        return process, wait_for(said)

    def stop(self, process):
        assert end(process, 10) == 0

    def serve(self, port=8080, where=None, text="hello"):
        """A web server that answers `text`."""
        place = self.place / f"www{port}{text}"
        place.mkdir()
        (place / "index.html").write_text(text)
        where = where or self.server
        self.net.start(where, sys.executable, "-m", "http.server", str(port), "-d", str(place))
        wait_for(lambda: f":{port} " in self.net.run(where, "ss", "-ltn"))

    def get(self, url, where=None, seconds=3):
        """The body, or None when nothing answers."""
        try:
            return self.net.run(where or self.client, "curl", "-s", "-m", str(seconds), url)
        except DirectorError:
            return None

    def addresses(self, where=None):
        return self.net.run(where or self.director, "ip", "-o", "-4", "address", "show", "dev", "lo")

    def tables(self, where=None):
        return self.net.run(where or self.director, "nft", "list", "tables")

    def devices(self):
        return self.net.run(self.director, "ip", "-br", "link")


@pytest.fixture
def bed(net, tmp_path):
    return Bed(net, tmp_path)


@pytest.fixture
def until():
    return wait_for


@pytest.fixture
def run():
    return lambda *argv: subprocess.run(argv, capture_output=True, text=True, check=False)

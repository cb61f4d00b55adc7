"""client -- director -- server in namespaces, with layer 4 alone running in the middle.

For dr and tun the server also has a link of its own to the client, as in the kernel's self-test.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

import director
from director.demo.netns import Namespaces, end, lacking
from director.errors import DirectorError

SOURCES = Path(director.__file__).resolve().parents[1]
HERE = Path(__file__).parent
VIP, VIP6 = "198.51.100.10", "2001:db8:100::10"
CLIENT, REAL, REAL6 = "10.0.0.2", "172.16.0.2", "fd00:16::2"
Found = TypeVar("Found")
Process = subprocess.Popen[bytes]


def skip_without_root() -> None:
    """Network namespaces need root and some tools."""
    missing = lacking()
    if missing:
        pytest.skip(f"{missing}; it runs where `make test` runs as root")


def wait_for(condition: Callable[[], Found], patience: float = 10.0, every: float = 0.05) -> Found:
    """What `condition` returns, once it is true; fails after `patience` seconds."""
    deadline = time.monotonic() + patience
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {patience} s: {condition}"
        time.sleep(every)


class Bed:
    """Three hosts, and what is started on them; `net` takes all of it down."""

    def __init__(self, net: Namespaces, place: Path) -> None:
        self.net, self.place = net, place
        self.client, self.director, self.server = net.add("c"), net.add("d"), net.add("s")
        net.link(self.client, "c0", self.director, "d0")
        net.link(self.director, "d1", self.server, "s0")
        for name, device, addresses in (
            (self.client, "c0", (f"{CLIENT}/24", "fd00:10::2/64")),
            (self.director, "d0", ("10.0.0.1/24", "fd00:10::1/64")),
            (self.director, "d1", ("172.16.0.1/24", "fd00:16::1/64")),
            (self.server, "s0", (f"{REAL}/24", f"{REAL6}/64")),
        ):
            for address in addresses:
                net.address(name, device, address)
        for name, gateway in ((self.client, "10.0.0.1"), (self.server, "172.16.0.1")):
            net.run(name, "ip", "route", "add", "default", "via", gateway)
        for name, gateway in ((self.client, "fd00:10::1"), (self.server, "fd00:16::1")):
            net.run(name, "ip", "-6", "route", "add", "default", "via", gateway)
        net.run(self.director, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")

    def direct(self, *, tunnel: bool = False) -> None:
        """Make the server one for dr (or tun): its own way to the client, the virtual address, silence."""
        net, server = self.net, self.server
        net.link(self.client, "c1", server, "s1")
        net.address(self.client, "c1", "10.7.0.2/24")
        net.address(server, "s1", "10.7.0.3/24")
        for key in ("all.arp_ignore=1", "all.arp_announce=2", "all.rp_filter=0", "default.rp_filter=0"):
            net.run(server, "sysctl", "-qw", f"net.ipv4.conf.{key}")
        for name, devices in ((server, ("s0", "s1")), (self.client, ("all", "c0", "c1"))):
            for device in devices:
                net.run(name, "sysctl", "-qw", f"net.ipv4.conf.{device}.rp_filter=0")
        net.address(server, "lo", f"{VIP}/32")
        net.run(server, "ip", "route", "add", f"{CLIENT}/32", "via", "10.7.0.2")
        if tunnel:
            self.python(server, "-m", "director.demo.decapsulate", "s0")
            wait_for(lambda: ":4 " in net.run(server, "ss", "-wln"))

    def python(self, where: str, *argv: str, log: Path | None = None) -> Process:
        """Start a Python program of this source tree."""
        return self.net.start(where, sys.executable, *argv, log=log, env={"PYTHONPATH": str(SOURCES)})

    def start(
        self,
        method: str = "nat",
        *options: str,
        name: str = "edge-1",
        virtual: str = f"{VIP}:8080",
        reals: str = f"{REAL}:8080",
        protocols: str = "tcp",
        state: str = "state",
        where: str | None = None,
        prefix: tuple[str, ...] = (),
    ) -> tuple[Process, dict[str, dict[str, str]]]:
        """Run layer 4 until it says it is ready; the process, and what it said."""
        place = self.place / state
        place.mkdir(exist_ok=True)
        log = place / "log"
        log.write_bytes(b"")
        argv = (str(HERE / "run_core.py"), str(place), name, method, virtual, reals, protocols, *options)
        env = {"PYTHONPATH": str(SOURCES)}
        process = self.net.start(where or self.director, *prefix, sys.executable, *argv, log=log, env=env)

        def said() -> dict[str, dict[str, str]]:
            assert process.poll() is None, log.read_text()
            lines = [line for line in log.read_text().splitlines() if line.startswith("{")]
            return dict(json.loads(lines[-1])) if lines else {}

        return process, wait_for(said, 40)

    def stop(self, process: Process, state: str = "state") -> dict[str, int]:
        """End layer 4 as an operator would; its counters."""
        assert end(process, 10) == 0, (self.place / state / "log").read_text()
        return dict(json.loads((self.place / state / "counters.json").read_text()))

    def counters(self, process: Process, state: str = "state") -> dict[str, int]:
        """What layer 4 has counted so far."""
        written = self.place / state / "counters.json"
        written.unlink(missing_ok=True)
        process.send_signal(signal.SIGUSR1)
        wait_for(written.exists)
        return dict(json.loads(written.read_text()))

    def serve(self, port: int = 8080, where: str | None = None, text: str = "hello") -> None:
        """A web server that answers `text`."""
        place = self.place / f"www{port}{text}"
        place.mkdir()
        (place / "index.html").write_text(text)
        name = where or self.server
        self.python(name, "-m", "http.server", str(port), "-b", "::", "-d", str(place))
        wait_for(lambda: f":{port} " in self.net.run(name, "ss", "-ltn"))

    def get(self, url: str, where: str | None = None, seconds: float = 3) -> str | None:
        """The body, or None when nothing answers."""
        try:
            return self.net.run(where or self.client, "curl", "-s", "-g", "-m", str(seconds), url)
        except DirectorError:
            return None

    def offloads(self, *, segmentation: bool, receive: bool, checksum: bool) -> None:
        """Set the offloads of every device of the bed."""
        for name in (self.client, self.director, self.server):
            links = json.loads(self.net.run(name, "ip", "-j", "link", "show", "type", "veth"))
            for device in (link["ifname"] for link in links):
                for feature, on in (
                    ("tx", checksum),
                    ("tso", segmentation),
                    ("gso", segmentation),
                    ("gro", receive),
                ):
                    self.net.run(name, "ethtool", "-K", device, feature, "on" if on else "off")

    def addresses(self, where: str | None = None) -> str:
        """What the loopback of the director's namespace has."""
        return self.net.run(where or self.director, "ip", "-o", "-4", "address", "show", "dev", "lo")

    def tables(self, where: str | None = None) -> str:
        """The nftables tables of the director's namespace."""
        return self.net.run(where or self.director, "nft", "list", "tables")

    def devices(self) -> list[str]:
        """The devices of the director's namespace."""
        links = json.loads(self.net.run(self.director, "ip", "-j", "link", "show"))
        return [link["ifname"] for link in links]

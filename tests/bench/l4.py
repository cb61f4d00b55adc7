"""Layer 4 against the kernel: requests, new connections, bytes and packets, in one run, as ratios.

`make bench-l4`, or `python tests/bench/l4.py [SECONDS] [--python PATH]`, as root.  Client, director
and server are network namespaces of this machine; what is compared runs one after the other
on the same topology:

    routing   the kernel forwards, nothing is rewritten
    nft       the kernel rewrites (nftables DNAT with connection tracking)
    nat, dr   the director on raw sockets

Packets are 60-byte UDP frames from one socket, dropped where they arrive.  Machines are noisy: only
ratios within one run mean anything, and packets only if the director had a processor to itself: when it had
to wait for one, that is said.  The time is bounded by four measures of SECONDS for each.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import director
from director.demo.netns import Namespaces, end, inside, lacking
from director.errors import DirectorError

SOURCES = Path(director.__file__).resolve().parents[1]
VIP, CLIENT, GATEWAY, SERVER = "198.51.100.10", "10.0.0.2", "10.0.0.1", "172.16.0.2"
LANES = ("routing", "nft", "nat", "dr")
MEASURES = ("requests/s", "new connections/s", "Gbit/s", "packets/s")

WAITED = 0.2
"""A larger share of its time that the director waits for a processor makes its packets worthless."""

NGINX = """
worker_processes 1; daemon off; master_process off; pid {place}/nginx.pid; error_log {place}/nginx.err;
events {{ worker_connections 2048; }}
http {{ access_log off; keepalive_requests 100000000; keepalive_timeout 60s;
  client_body_temp_path {place}/b; proxy_temp_path {place}/p; fastcgi_temp_path {place}/f;
  uwsgi_temp_path {place}/u; scgi_temp_path {place}/s;
  server {{ listen 8080 backlog=4096; location / {{ return 200 "hello\\n"; }} }} }}
"""
DNAT = f"""
table ip bench {{
  chain pre {{
    type nat hook prerouting priority -100;
    ip daddr {VIP} dnat to {SERVER}
  }}
}}
"""
DROP = """
table netdev bench {
  chain sink {
    type filter hook ingress device "s0" priority -500;
    udp dport 9000 drop
  }
}
"""


class Bench:
    """The topology, and one lane at a time on it."""

    def __init__(self, net: Namespaces, place: Path, seconds: float, python: str) -> None:
        self.net, self.place, self.seconds, self.python = net, place, seconds, python
        self.process: subprocess.Popen[bytes] | None = None
        self.notes: list[str] = []
        self.client, self.director, self.server = (net.add(role) for role in ("c", "d", "s"))
        net.link(self.client, "c0", self.director, "d0")
        net.link(self.director, "d1", self.server, "s0")
        net.link(self.client, "c1", self.server, "s1")
        for name, device, address in (
            (self.client, "c0", f"{CLIENT}/24"),
            (self.client, "c1", "10.7.0.2/24"),
            (self.director, "d0", f"{GATEWAY}/24"),
            (self.director, "d1", "172.16.0.1/24"),
            (self.server, "s0", f"{SERVER}/24"),
            (self.server, "s1", "10.7.0.3/24"),
        ):
            net.address(name, device, address)
        net.run(self.client, "ip", "route", "add", VIP, "via", GATEWAY)
        net.run(self.client, "ip", "route", "add", "172.16.0.0/24", "via", GATEWAY)
        net.run(self.server, "ip", "route", "add", "default", "via", "172.16.0.1")
        net.run(self.director, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        for name in (self.client, self.server):
            for key in ("all.rp_filter=0", "default.rp_filter=0", "c0.rp_filter=0", "s0.rp_filter=0"):
                with contextlib.suppress(DirectorError):
                    net.run(name, "sysctl", "-qw", f"net.ipv4.conf.{key}")
        for key in ("all.arp_ignore=1", "all.arp_announce=2"):
            net.run(self.server, "sysctl", "-qw", f"net.ipv4.conf.{key}")
        net.run(self.server, "nft", DROP)
        self._serve()

    def _serve(self) -> None:
        conf = self.place / "nginx.conf"
        conf.write_text(NGINX.format(place=self.place))
        self.net.start(self.server, "nginx", "-c", str(conf), "-p", str(self.place))
        self.net.start(self.server, "iperf3", "-s", "-p", "5201")
        time.sleep(0.7)

    @contextlib.contextmanager
    def lane(self, name: str) -> Iterator[str]:
        """Set up what forwards; gives the address that the client asks."""
        with contextlib.ExitStack() as stack:
            if name == "nft":
                self.net.run(self.director, "nft", DNAT)
                stack.callback(self.net.run, self.director, "nft", "delete table ip bench")
            if name == "dr":
                self._run("dr", "address", "add")
                stack.callback(self._run, "dr", "address", "del")
            if name in {"nat", "dr"}:
                self.process = self._director(name)
                stack.callback(end, self.process)
            yield SERVER if name == "routing" else VIP

    def _run(self, _lane: str, what: str, verb: str) -> None:
        self.net.run(self.server, "ip", what, verb, f"{VIP}/32", "dev", "lo")
        route = ("ip", "route", verb, f"{CLIENT}/32", "via", "10.7.0.2")
        self.net.run(self.server, *route)

    def _director(self, method: str) -> subprocess.Popen[bytes]:
        log = self.place / "director.log"
        log.write_bytes(b"")
        script = SOURCES / "tests" / "integration" / "l4" / os.environ.get("BENCH_L4_RUNNER", "run_core.py")
        argv = [
            self.python,
            str(script),
            str(self.place),
            "bench",
            method,
            f"{VIP}:0",
            f"{SERVER}:0",
            "tcp,udp",
        ]
        site = next(one for one in sys.path if one.endswith("site-packages"))
        process = self.net.start(
            self.director, *argv, log=log, env={"PYTHONPATH": os.pathsep.join((str(SOURCES), site))}
        )
        deadline = time.monotonic() + 15
        while b'"ready"' not in log.read_bytes():
            if process.poll() is not None or time.monotonic() > deadline:
                raise DirectorError(f"the director did not start: {log.read_text()}")
            time.sleep(0.1)
        return process

    # --- measures -------------------------------------------------------------------------------

    def measure(self, lane: str) -> dict[str, float]:
        with self.lane(lane) as target:
            time.sleep(0.3)
            measures: tuple[Callable[[str], float], ...] = (
                self.requests,
                self.connections,
                self.bytes,
                self._watched_packets,
            )
            return dict(zip(MEASURES, (one(target) for one in measures), strict=True))

    def _scheduled(self) -> tuple[int, int]:
        """Nanoseconds the director ran, and waited while it could have (schedstat); none without one."""
        if self.process is None or self.process.poll() is not None:
            return 0, 0
        ran, waited, _slices = Path(f"/proc/{self.process.pid}/schedstat").read_text().split()
        return int(ran), int(waited)

    def _watched_packets(self, target: str) -> float:
        """Packets; sender and director have a processor each unless others want one: then it is said."""
        before = self._scheduled()
        result = self.packets(target)
        ran, waited = (after - old for after, old in zip(self._scheduled(), before, strict=True))
        if waited > WAITED * (ran + waited):
            share = waited / (ran + waited)
            self.notes.append(f"{result:,.0f} packets/s, but the director waited {share:.0%} for a processor")
        return result

    def requests(self, target: str) -> float:
        return self._wrk(target, "-c", "32")

    def connections(self, target: str) -> float:
        return self._wrk(target, "-c", "32", "-H", "Connection: close")

    def _wrk(self, target: str, *more: str) -> float:
        seconds = f"{max(1, round(self.seconds))}s"
        said = self.net.run(self.client, "wrk", "-t", "1", "-d", seconds, *more, f"http://{target}:8080/")
        line = next(one for one in said.splitlines() if "Requests/sec" in one)
        return float(line.split()[1])

    def bytes(self, target: str) -> float:
        said = self.net.run(self.client, "iperf3", "-J", "-c", target, "-t", str(self.seconds))
        return float(json.loads(said)["end"]["sum_received"]["bits_per_second"]) / 1e9

    def packets(self, target: str) -> float:
        """UDP datagrams of 18 bytes, 32 in one call; how many of them arrive per second."""
        with inside(self.client):
            sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with sender:
            sender.connect((target, 9000))
            # UDP_SEGMENT lets one call make many datagrams; without the device's help they
            # leave as single frames.
            self.net.run(self.client, "ethtool", "-K", "c0", "tx-udp-segmentation", "off", "tx", "off")
            sender.setsockopt(17, 103, 18)
            payload = bytes(18 * 32)
            before, start = self._arrived(), time.monotonic()
            while time.monotonic() - start < self.seconds:
                for _ in range(100):
                    with contextlib.suppress(OSError):
                        sender.send(payload)
            took = time.monotonic() - start
            time.sleep(0.2)
            result = (self._arrived() - before) / took
            self.net.run(self.client, "ethtool", "-K", "c0", "tx", "on", "tx-udp-segmentation", "on")
        return result

    def _arrived(self) -> int:
        said = json.loads(self.net.run(self.server, "ip", "-j", "-s", "link", "show", "s0"))
        return int(said[0]["stats64"]["rx"]["packets"])


def show(results: dict[str, dict[str, float]], python: str) -> None:
    """The table, and each lane as a ratio to nft."""
    print(f"interpreter of the director: {python}")
    print("lane".ljust(10) + "".join(one.rjust(20) for one in MEASURES))
    for lane, found in results.items():
        print(lane.ljust(10) + "".join(f"{found[one]:20,.1f}" for one in MEASURES))
    for lane in ("nat", "dr"):
        ratios = (results[lane][one] / results["nft"][one] for one in MEASURES)
        print(f"{lane}/nft".ljust(10) + "".join(f"{one:20.2f}" for one in ratios))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("seconds", nargs="?", type=float, default=2.0)
    parser.add_argument("--python", default=sys.executable, help="interpreter that runs the director")
    parser.add_argument("--lanes", default=",".join(LANES))
    options = parser.parse_args()
    missing = lacking()
    if missing:
        print(f"bench-l4 cannot run: {missing}", file=sys.stderr)
        return 2
    with Namespaces("bench") as net, tempfile.TemporaryDirectory(prefix="director-bench-") as place:
        bench = Bench(net, Path(place), min(options.seconds, 30.0), options.python)
        show({lane: bench.measure(lane) for lane in options.lanes.split(",")}, options.python)
        print(*bench.notes, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

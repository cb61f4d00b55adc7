"""The three cases of the kernel's own test of IPVS, with this director in its place (`lvs-semantics` K).

Topology, addresses, sysctls and the check are the test's: 32 random bytes from the client's
socat must reach the server's.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from director.demo.netns import Namespaces
from tests.integration.l4.bed import HERE, SOURCES, Process, wait_for

VIP, PORT = "207.175.44.110", 8080
CIP, GIP, DIP, RIP, SIP = "10.0.0.2", "10.0.0.1", "172.16.0.1", "172.16.0.2", "10.0.0.3"
PROC = "net.ipv4.conf"


class SelfTest:
    """ns0 client, ns1 director, ns2 real server."""

    def __init__(self, net: Namespaces, place: Path) -> None:
        self.net, self.place = net, place
        self.ns0, self.ns1, self.ns2 = (net.add(role) for role in ("0", "1", "2"))
        net.link(self.ns0, "veth01", self.ns1, "veth10")
        net.link(self.ns0, "veth02", self.ns2, "veth20")
        net.link(self.ns1, "veth12", self.ns2, "veth21")
        net.run(self.ns0, "ip", "link", "add", "br0", "type", "bridge")
        for device in ("veth01", "veth02"):
            net.run(self.ns0, "ip", "link", "set", device, "master", "br0")
        net.run(self.ns0, "ip", "link", "set", "br0", "up")
        net.address(self.ns0, "br0", f"{CIP}/24")
        net.address(self.ns1, "veth10", f"{GIP}/24")
        net.address(self.ns1, "veth12", f"{DIP}/24")
        net.address(self.ns2, "veth21", f"{RIP}/24")
        net.address(self.ns2, "veth20", f"{SIP}/24")
        net.run(self.ns0, "ip", "route", "add", VIP, "via", GIP, "dev", "br0")
        (place / "in").write_bytes(os.urandom(32))

    def silent(self) -> None:
        """The real server's settings for DR and TUN."""
        for key, value in (
            ("all.rp_filter", 0),
            ("veth21.rp_filter", 0),
            ("all.arp_ignore", 1),
            ("all.arp_announce", 2),
        ):
            self.net.run(self.ns2, "sysctl", "-qw", f"{PROC}.{key}={value}")
        self.net.run(self.ns2, "ip", "address", "add", f"{VIP}/32", "dev", "lo")

    def direct(self, method: str) -> Process:
        log = self.place / "log"
        words = (str(self.place), "selftest", method, f"{VIP}:{PORT}", f"{RIP}:{PORT}", "tcp")
        script = str(HERE / "run_core.py")
        env = {"PYTHONPATH": str(SOURCES)}
        process = self.net.start(self.ns1, sys.executable, script, *words, log=log, env=env)
        wait_for(lambda: '"ready"' in log.read_text())
        return process

    def transfer(self) -> bytes:
        """The kernel test's check: what the server's socat received."""
        target = self.place / "out"
        self.net.start(
            self.ns2,
            "timeout",
            "5",
            "socat",
            "-u",
            "-4",
            f"TCP-LISTEN:{PORT},reuseaddr",
            "STDOUT",
            log=target,
        )
        wait_for(lambda: f":{PORT} " in self.net.run(self.ns2, "ss", "-ltn"))
        source = str(self.place / "in")
        self.net.run(self.ns0, "timeout", "2", "socat", "-u", "-4", f"OPEN:{source}", f"TCP:{VIP}:{PORT}")
        return wait_for(lambda: target.read_bytes() if target.exists() else b"", 5)

    def sent(self) -> bytes:
        return (self.place / "in").read_bytes()


@pytest.fixture
def case(net: Namespaces, tmp_path: Path) -> SelfTest:
    return SelfTest(net, tmp_path)


def test_dr(case: SelfTest) -> None:
    case.net.run(case.ns1, "sysctl", "-qw", "net.ipv4.ip_forward=1")
    case.silent()
    case.direct("dr")
    assert case.transfer() == case.sent()


def test_nat(case: SelfTest) -> None:
    case.net.run(case.ns1, "sysctl", "-qw", "net.ipv4.ip_forward=1")
    case.net.run(case.ns2, "ip", "link", "del", "veth20")
    case.net.run(case.ns2, "ip", "route", "add", "default", "via", DIP, "dev", "veth21")
    case.direct("nat")
    assert case.transfer() == case.sent()


def test_tun(case: SelfTest) -> None:
    for key, value in (("ip_forward", 0), ("conf.all.send_redirects", 0), ("conf.default.send_redirects", 0)):
        case.net.run(case.ns1, "sysctl", "-qw", f"net.ipv4.{key}={value}")
    case.silent()
    env = {"PYTHONPATH": str(SOURCES)}
    case.net.start(case.ns2, sys.executable, "-m", "director.demo.decapsulate", "veth21", env=env)
    wait_for(lambda: ":4 " in case.net.run(case.ns2, "ss", "-wln"))
    case.direct("tun")
    assert case.transfer() == case.sent()

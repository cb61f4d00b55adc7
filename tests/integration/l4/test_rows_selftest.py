"""V81: the three cases of the kernel's own test of IPVS, by the whole program, captured on both sides.

Topology, addresses, sysctls and the check are the test's: 32 random bytes from the client's socat must
reach the server's.

What each side must see is the last paragraph of part K of `lvs-semantics`: DR changes the TTL alone, NAT
shows the server its own address and the client the virtual one, TUN puts protocol 4 around it.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.packet import Packet

from director.demo.lab import twistd
from director.demo.netns import Namespaces, inside
from tests.integration.l4.bed import SOURCES, wait_for

VIP, PORT = "207.175.44.110", 8080
CIP, GIP, DIP, RIP, SIP = "10.0.0.2", "10.0.0.1", "172.16.0.1", "172.16.0.2", "10.0.0.3"
PROC = "net.ipv4.conf"
INI = """
[director]
name = selftest
state_dir = state
shutdown_grace = 0s

[pool:real]
scheduler = rr
server.one = {rip}:{port}

[l4]
interfaces = veth10, veth12

[l4:kernel]
virtual = tcp {vip}:{port}
pool = real
forward = {method}
"""


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


class Tap:
    """What passes a device, in both directions, as tcpdump would show it."""

    def __init__(self, namespace: str, device: str) -> None:
        with inside(namespace):
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.sock.bind((device, 0))
        self.sock.setblocking(False)

    def packets(self) -> list[Packet]:
        """IPv4 packets of TCP, or of a tunnel, so far."""
        found: list[Packet] = []
        while True:
            try:
                frame = self.sock.recv(1 << 17)
            except BlockingIOError:
                return found
            if frame[12:14] == b"\x08\x00" and frame[23] in (4, 6):
                found.append(Ether(frame)[IP])


@pytest.fixture
def case(net: Namespaces, tmp_path: Path) -> SelfTest:
    return SelfTest(net, tmp_path)


def passes(case: SelfTest, method: str) -> tuple[list[Packet], list[Packet]]:
    """Run the program, send the 32 bytes; what the client's bridge and the server's link saw."""
    ini = case.place / "director.ini"
    (case.place / "state").mkdir()
    ini.write_text(INI.format(rip=RIP, port=PORT, vip=VIP, method=method))
    env = {"PYTHONPATH": str(SOURCES)}
    process = case.net.start(case.ns1, *twistd(ini), log=case.place / "log", env=env)
    wait_for(lambda: f"{VIP}/32" in case.net.run(case.ns1, "ip", "-o", "address", "show"), 20)
    client, server = Tap(case.ns0, "br0"), Tap(case.ns2, "veth21")
    try:
        assert case.transfer() == case.sent()
        seen = client.packets(), server.packets()
    finally:
        client.sock.close()
        server.sock.close()
    process.terminate()
    assert process.wait(15) == 0
    assert f"{VIP}/32" not in case.net.run(case.ns1, "ip", "-o", "address", "show")
    return seen


def first(packets: list[Packet], wanted: Callable[[Packet], bool]) -> Packet:
    return next(packet for packet in packets if wanted(packet))


def asked(packet: Packet) -> bool:
    """The client's SYN, wherever it is on its way."""
    return bool(packet.haslayer(TCP) and packet[TCP].dport == PORT and packet[TCP].flags == "S")


def answered(packet: Packet) -> bool:
    return bool(packet.haslayer(TCP) and packet[TCP].sport == PORT and packet[TCP].flags == "SA")


def test_dr(case: SelfTest) -> None:
    """V81 DR: all as the client sent it, TTL one less; the server answers by its own way."""
    case.net.run(case.ns1, "sysctl", "-qw", "net.ipv4.ip_forward=1")
    case.silent()
    client, server = passes(case, "dr")
    sent, got = first(client, asked), first(server, asked)
    assert (got.src, got.dst, got.ttl) == (CIP, VIP, sent.ttl - 1)
    assert (got.id, bytes(got[TCP])[:16]) == (sent.id, bytes(sent[TCP])[:16])
    assert first(client, answered).src == VIP
    assert not any(answered(one) for one in server), "the answer takes its own way"


def test_nat(case: SelfTest) -> None:
    """V81 NAT: the server sees its own address, the client the virtual one; TTL one less both ways."""
    case.net.run(case.ns1, "sysctl", "-qw", "net.ipv4.ip_forward=1")
    case.net.run(case.ns2, "ip", "link", "del", "veth20")
    case.net.run(case.ns2, "ip", "route", "add", "default", "via", DIP, "dev", "veth21")
    client, server = passes(case, "nat")
    sent, got = first(client, asked), first(server, asked)
    assert (got.src, got.dst, got.ttl) == (CIP, RIP, sent.ttl - 1)
    back, seen = first(server, answered), first(client, answered)
    assert (back.src, seen.src, seen.dst, seen.ttl) == (RIP, VIP, CIP, back.ttl - 1)


def test_tun(case: SelfTest) -> None:
    """V81 TUN: around it from the director to the server, protocol 4; inside it as the client sent it."""
    for key, value in (("ip_forward", 0), ("conf.all.send_redirects", 0), ("conf.default.send_redirects", 0)):
        case.net.run(case.ns1, "sysctl", "-qw", f"net.ipv4.{key}={value}")
    case.silent()
    env = {"PYTHONPATH": str(SOURCES)}
    case.net.start(case.ns2, sys.executable, "-m", "director.demo.decapsulate", "veth21", env=env)
    wait_for(lambda: ":4 " in case.net.run(case.ns2, "ss", "-wln"))
    client, server = passes(case, "tun")
    sent, outer = first(client, asked), first(server, lambda packet: packet.proto == 4)
    assert (outer.src, outer.dst, outer.ttl) == (DIP, RIP, sent.ttl - 1)
    inner = outer.payload
    assert (inner.src, inner.dst, inner.ttl, inner[TCP].dport) == (CIP, VIP, sent.ttl - 1, PORT)
    assert first(client, answered).src == VIP

"""Real traffic through NAT, DR and TUN: large and whole, in fragments, over narrow paths."""

from __future__ import annotations

import itertools
import json
import socket
import struct
import sys
import threading
from typing import Any

import pytest

from director.demo.netns import inside
from tests.integration.l4.bed import HERE, REAL, REAL6, VIP, VIP6, Bed, Process, wait_for
from tests.integration.l4.exchange import digest

SIZE = 8 << 20
METHODS = ("nat", "dr", "tun")
COMBINATIONS = list(itertools.product((True, False), repeat=3))
URL = f"http://{VIP}:8080/"


def ready(bed: Bed, method: str, *options: str, **more: Any) -> Process:
    """The director with `method`, its server made for it.  Servers of dr and tun use the virtual port."""
    if method != "nat":
        bed.direct(tunnel=method == "tun")
    process, said = bed.start(method, *options, **more)
    assert said["troubles"] == {}
    return process


def passed(bed: Bed) -> int:
    """Bytes that came to the director from its clients."""
    (link,) = json.loads(bed.net.run(bed.director, "ip", "-j", "-s", "link", "show", "dev", "d0"))
    return int(link["stats64"]["rx"]["bytes"])


class Exchange:
    """The two ends of `exchange.py`."""

    def __init__(self, bed: Bed, size: int = SIZE, port: int = 8080) -> None:
        self.bed, self.size, self.port = bed, size, port
        self.log = bed.place / "exchange"
        self.log.write_bytes(b"")
        bed.python(bed.server, str(HERE / "exchange.py"), "listen", str(port), str(size), log=self.log)
        wait_for(lambda: f":{port} " in bed.net.run(bed.server, "ss", "-ltn"))

    def run(self, address: str = VIP) -> None:
        """One exchange; both sides must have read exactly what the other sent."""
        before = len(self.log.read_text().splitlines())
        words = ("connect", address, str(self.port), str(self.size))
        script = str(HERE / "exchange.py")
        said = self.bed.net.run(self.bed.client, sys.executable, script, *words, timeout=60)
        assert said.strip() == digest("server", self.size)
        lines = wait_for(lambda: self.log.read_text().splitlines()[before:])
        assert lines == [digest("client", self.size)]


@pytest.mark.parametrize("method", METHODS)
def test_both_directions_at_once_with_every_combination_of_offloads(bed: Bed, method: str) -> None:
    process = ready(bed, method)
    exchange = Exchange(bed)
    for segmentation, receive, checksum in COMBINATIONS:
        bed.offloads(segmentation=segmentation, receive=receive, checksum=checksum)
        exchange.run()
    counters = bed.stop(process)
    assert counters["d0_dropped_send_too_big"] == counters["d1_dropped_send_too_big"] == 0
    assert counters["d0_dropped_truncated"] == 0


def test_ipv6_by_nat(bed: Bed) -> None:
    process, said = bed.start("nat", virtual=f"[{VIP6}]:8080", reals=f"[{REAL6}]:8080")
    assert said["troubles"] == {}
    exchange = Exchange(bed)
    bed.offloads(segmentation=True, receive=False, checksum=True)
    exchange.run(VIP6)
    bed.offloads(segmentation=False, receive=False, checksum=False)
    exchange.run(VIP6)
    bed.stop(process)


ECHO = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 8080))
while True:
    data, peer = s.recvfrom(65536)
    s.sendto(data, peer)
"""


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [100, 4000, 30000])
def test_datagrams_in_fragments_come_back_whole(bed: Bed, method: str, size: int) -> None:
    process = ready(bed, method, protocols="udp")
    bed.python(bed.server, "-c", ECHO, REAL if method == "nat" else VIP)
    wait_for(lambda: ":8080 " in bed.net.run(bed.server, "ss", "-lun"))
    with inside(bed.client):
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with client:
        client.settimeout(3)
        client.connect((VIP, 8080))
        for number in range(5):
            payload = bytes([number]) * size
            client.send(payload)
            assert client.recv(65536) == payload
    bed.stop(process)


@pytest.mark.parametrize(("method", "mtu"), [("nat", 1400), ("dr", 1400), ("tun", 1500), ("tun", 1300)])
def test_a_narrow_path_behind_the_director_is_told_to_the_client(bed: Bed, method: str, mtu: int) -> None:
    """The server offers segments of 1460; only an ICMP error tells the client that 1500 is too much."""
    bed.net.run(bed.director, "ip", "link", "set", "d1", "mtu", str(mtu))
    process = ready(bed, method)
    Exchange(bed, 2 << 20).run()
    route = bed.net.run(bed.client, "ip", "route", "get", VIP)
    assert f"mtu {mtu - (20 if method == 'tun' else 0)}" in route
    bed.stop(process)


def test_one_packet_in_a_hundred_lost(bed: Bed) -> None:
    rule = 'table netdev loss { chain c { type filter hook ingress device "s0" priority 0; policy accept;'
    bed.net.run(bed.server, "nft", rule + "\nnumgen random mod 100 < 1 drop\n}\n}\n")
    process = ready(bed, "nat")
    Exchange(bed, 4 << 20).run()
    bed.stop(process)


def test_iperf3_both_ways(bed: Bed) -> None:
    process = ready(bed, "nat")
    for more in ([], ["-R"], ["-P", "4"]):
        # A server for each: one that still ends a run calls itself busy.
        server = bed.net.start(bed.server, "iperf3", "-s", "-1", "-p", "8080")
        wait_for(lambda: ":8080 " in bed.net.run(bed.server, "ss", "-ltn"))
        said = bed.net.run(bed.client, "iperf3", "-J", "-c", VIP, "-p", "8080", "-n", "64M", *more)
        assert json.loads(said)["end"]["sum_received"]["bytes"] >= 32 << 20
        assert server.wait(10) == 0
    bed.stop(process)


def test_a_kill_under_load_and_a_new_start_break_no_connection(bed: Bed) -> None:
    """A hash scheduler and sloppy_tcp: the next director takes the flows over where they are."""
    options = ("scheduler=sh", "sloppy_tcp=1")
    process = ready(bed, "nat", *options)
    exchange = Exchange(bed, 256 << 20)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            exchange.run()
        except BaseException as error:  # noqa: BLE001 - told to the test's own thread
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_for(lambda: passed(bed) > 16 << 20, every=0.01)
    process.kill()
    process.wait()
    assert thread.is_alive()
    process, said = bed.start("nat", *options)
    assert said["troubles"] == {}
    thread.join(60)
    assert failures == []
    bed.stop(process)


def test_the_host_answers_echo_requests_for_the_virtual_address(bed: Bed) -> None:
    process = ready(bed, "nat")
    with inside(bed.client):
        ping = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    with ping:
        ping.settimeout(2)
        head = struct.pack("!BBHHH", 8, 0, 0, 77, 1)
        check = 0xFFFF - sum(struct.unpack("!4H", head)) % 0xFFFF
        ping.sendto(struct.pack("!BBHHH", 8, 0, check, 77, 1), (VIP, 0))
        answer = ping.recv(1500)
    assert answer[12:16] == socket.inet_aton(VIP)
    assert answer[20:22] == b"\0\0"
    bed.stop(process)


def test_many_short_connections(bed: Bed) -> None:
    process = ready(bed, "nat")
    bed.serve()
    script = (
        "import sys, urllib.request as u\n"
        "for _ in range(300): assert u.urlopen(sys.argv[1]).read() == b'hello'"
    )
    bed.net.run(bed.client, sys.executable, "-c", script, URL, timeout=60)
    counters = bed.stop(process)
    assert counters["d0_failed_frames"] == 0
    assert counters["d0_dropped_ring_full"] == 0


def test_a_mark_service_takes_a_whole_network(bed: Bed) -> None:
    bed.serve()
    process, said = bed.start("nat", "mark.7=tcp 198.51.100.0/28:8080", protocols="mark7")
    assert said["troubles"] == {}
    assert [bed.get(f"http://198.51.100.{number}:8080/") for number in (3, 10, 14)] == ["hello"] * 3
    assert bed.get("http://198.51.100.77:8080/", seconds=0.5) is None
    bed.stop(process)


def test_a_route_that_vanishes_and_returns(bed: Bed) -> None:
    process = ready(bed, "nat")
    bed.serve()
    assert bed.get(URL) == "hello"
    bed.net.run(bed.director, "ip", "address", "del", "172.16.0.1/24", "dev", "d1")
    assert bed.get(URL, seconds=0.5) is None
    bed.net.address(bed.director, "d1", "172.16.0.1/24")
    assert wait_for(lambda: bed.get(URL, seconds=1)) == "hello"
    bed.stop(process)

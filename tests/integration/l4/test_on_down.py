"""What becomes of established flows when their server goes down: `on_down`, also with real stacks."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.packet import Packet

from director.cli.client import UnixConnection
from director.demo.lab import twistd
from director.demo.netns import inside
from tests.integration.l4.bed import REAL, VIP, Bed, wait_for
from tests.integration.l4.flows import counts, inwards
from tests.integration.l4.texts import HEAD
from tests.integration.l4.wire_judge import Judged, directed

CLIENT, A, B = "10.0.0.2", "172.16.0.2", "172.16.0.3"
WHOLE = HEAD.format(more="") + "".join(
    f"""
[pool:{pool}]
scheduler = rr
on_down = {pool}
server.a = {A}:8080
server.b = {B}:8080

[l4:{pool}]
virtual = tcp 198.51.100.10:{port}
pool = {pool}

[l4:{pool}-udp]
virtual = udp 198.51.100.10:{port}
pool = {pool}
"""
    for pool, port in (("keep", 80), ("close", 81))
)
NAMES = {A: "a", B: "b"}


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    with directed(tmp_path_factory.mktemp("down"), WHOLE) as made:
        yield made


@pytest.fixture(autouse=True)
def _all_ready(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "bed" in request.fixturenames:
        made = request.getfixturevalue("bed")
        for pool in ("keep", "close"):
            made.ctl("ready", f"{pool}/a")
            made.ctl("ready", f"{pool}/b")


def tcp(port: int, sport: int, flags: str, number: int = 7) -> Packet:
    return IP(src=CLIENT, dst=VIP) / TCP(sport=sport, dport=port, flags=flags, seq=1, ack=number)


def opened(bed: Judged, port: int, sport: int) -> str:
    """An established connection whose packets are on the hot path; the name of its server."""
    came = inwards(bed, [tcp(port, sport, flags) for flags in ("S", "A", "A", "A")])
    assert len({one.dst for one in came}) == 1
    return NAMES[came[0].dst]


def test_keep_lets_established_flows_go_on_and_gives_nothing_new(bed: Judged) -> None:
    name = opened(bed, 80, 2000)
    bed.ctl("maint", f"keep/{name}")
    again = inwards(bed, [tcp(80, 2000, "A"), tcp(80, 2000, "PA")])
    assert {NAMES[one.dst] for one in again} == {name}
    others = {opened(bed, 80, sport) for sport in range(2001, 2005)}
    assert name not in others
    assert counts(bed, "keep", name)[0] == 1


def test_close_answers_the_next_packet_with_a_rst(bed: Judged) -> None:
    name = opened(bed, 81, 2100)
    bed.ctl("maint", f"close/{name}")
    bed.client.drain()
    bed.client.put(tcp(81, 2100, "A", 4711))
    rst = next(one for one in iter(bed.client.ip, None) if "R" in str(one[TCP].flags))
    assert (rst.src, rst.dst, rst[TCP].sport, rst[TCP].dport, rst[TCP].seq) == (VIP, CLIENT, 81, 2100, 4711)
    assert counts(bed, "close", name)[0] == 0
    assert inwards(bed, [tcp(81, 2100, "S")])[0].dst != {"a": A, "b": B}[name]


def test_close_asks_the_silent_and_tells_who_answers(bed: Judged) -> None:
    name = opened(bed, 81, 2200)
    bed.client.drain()
    bed.ctl("maint", f"close/{name}")
    asked = bed.client.ip()
    assert (asked.src, asked[TCP].dport, str(asked[TCP].flags)) == (VIP, 2200, "S")
    bed.client.put(tcp(81, 2200, "A", 99))
    told = bed.client.ip()
    assert (str(told[TCP].flags), told[TCP].seq) == ("R", 99)


def test_close_tells_a_client_of_udp_at_once(bed: Judged) -> None:
    datagram = IP(src=CLIENT, dst=VIP) / UDP(sport=2300, dport=81) / b"x"
    (came,) = inwards(bed, [datagram])
    bed.client.drain()
    bed.ctl("maint", f"close/{NAMES[came.dst]}")
    error = bed.client.ip()
    assert (error[ICMP].type, error[ICMP].code) == (3, 3)
    assert inwards(bed, [datagram])[0].dst != came.dst


REAL_INI = (
    HEAD.replace("state_dir = state", "state_dir = state\nlog = text").format(more="")
    + f"""
[pool:p]
on_down = {{}}
server.a = {REAL}:8080

[l4:s]
virtual = tcp {VIP}:8080
pool = p
"""
)
ECHO = """
import socket
client = socket.create_server(("", 8080)).accept()[0]
while True:
    client.sendall(client.recv(99))
"""


@pytest.mark.parametrize("on_down", ["keep", "close"])
def test_a_real_client_that_waits_is_cut_or_goes_on(bed_of_hosts: Bed, on_down: str) -> None:
    """A kernel's own TCP answers the director's question, and believes the RST (RFC 5961)."""
    net, place = bed_of_hosts.net, bed_of_hosts.place
    ini = place / "director.ini"
    ini.write_text(REAL_INI.format(on_down))
    (place / "state").mkdir()
    bed_of_hosts.python(bed_of_hosts.server, "-c", ECHO)
    wait_for(lambda: ":8080 " in net.run(bed_of_hosts.server, "ss", "-ltn"))
    net.start(bed_of_hosts.director, *twistd(ini), log=place / "log", env={"PYTHONPATH": str(Path.cwd())})
    wait_for(lambda: _api(place, "GET", "/readyz")[0] == 200, 20)
    with inside(bed_of_hosts.client):
        client = socket.create_connection((VIP, 8080), 5)
    with client:
        client.sendall(b"one")
        assert client.recv(9) == b"one"
        assert _api(place, "PATCH", "/api/v1/pools/p/servers/a", '{"state": "maint"}')[0] == 200
        client.settimeout(5)
        began = time.monotonic()
        if on_down == "close":
            with pytest.raises(ConnectionResetError):
                client.recv(9)
            assert time.monotonic() - began < 5
        else:
            client.sendall(b"two")
            assert client.recv(9) == b"two"


@pytest.fixture
def bed_of_hosts(net: Any, tmp_path: Path) -> Bed:
    return Bed(net, tmp_path)


def _api(place: Path, method: str, target: str, body: str | None = None) -> tuple[int, str]:
    connection = UnixConnection(place / "state" / "control.sock")
    try:
        connection.request(method, target, body, {"Content-Type": "application/json"} if body else {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except OSError:
        return 0, ""
    finally:
        connection.close()

"""The whole program over time: orders, reloads, crashes, links, floods (`lvs-semantics` B, C)."""

from __future__ import annotations

import itertools
import re
import struct
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP

from tests.integration.l4.bed import wait_for
from tests.integration.l4.wire_judge import PATIENCE, Judged, judged, parsed, syn

CLIENT, VIP, OTHER = "10.0.0.2", "198.51.100.10", "198.51.100.20"
SERVERS = {"172.16.0.2": "a", "172.16.0.3": "b"}
HEAD = """
[director]
name = judge
state_dir = state
shutdown_grace = 0s

[pool:web]
scheduler = {scheduler}
server.a = 172.16.0.2:8080 {a}
server.b = 172.16.0.3:8080 {b}

[l7:www]
listen = 127.0.0.1:8088
pool = web

[l4]
interfaces = {interfaces}
{more}
"""


def service(name: str = "web", virtual: str = f"tcp {VIP}:80", forward: str = "nat", more: str = "") -> str:
    return f"\n[l4:{name}]\nvirtual = {virtual}\npool = web\nforward = {forward}\n{more}\n"


def ini(*services: str, **fields: str) -> str:
    words = {"scheduler": "rr", "a": "", "b": "", "interfaces": "d0, d1", "more": "", **fields}
    return HEAD.format(**words) + "".join(services)


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Judged]:
    with judged(tmp_path) as made:
        yield made
        assert "Traceback" not in made.log


def asked(
    bed: Judged, sport: int, flags: str = "S", to: str = VIP, client: str = CLIENT, patience: float = PATIENCE
) -> str | None:
    """The server that gets a packet, or None."""
    bed.client.put(syn(client, sport, to, 80, flags))
    found = bed.server.frames(patience, 1)
    return str(parsed(found[0]).dst) if found else None


def established(bed: Judged, sport: int, to: str = VIP) -> str:
    server = asked(bed, sport, to=to)
    assert server is not None
    bed.server.put(IP(src=server, dst=CLIENT) / TCP(sport=8080, dport=sport, flags="SA"))
    bed.client.get()
    assert asked(bed, sport, "A", to) == server
    return server


def many(bed: Judged, first: int, count: int = 4) -> set[str | None]:
    return {asked(bed, first + number) for number in range(count)}


def clean(bed: Judged) -> None:
    bed.stop()
    assert "director-" not in bed.tables()
    assert "198.51.100" not in bed.addresses()


def test_orders_by_command_and_by_api(bed: Judged) -> None:
    """V14 and the thresholds V8, V11: running connections go on whatever is ordered."""
    bed.start(ini(service()))
    server = established(bed, 100)
    name = SERVERS[server]
    for order in (("drain", f"web/{name}"), ("weight", f"web/{name}", "0")):
        bed.ctl(*order)
        assert server not in many(bed, 200)
        assert asked(bed, 100, "A") == server
        bed.ctl("ready", f"web/{name}")
        bed.ctl("weight", f"web/{name}", "1")
        assert many(bed, 210) == set(SERVERS)
    assert bed.api("PATCH", "pools/web/servers/b", {"weight": 0})[0] == 200
    full = bed.api("GET", "pools/web")[1]["servers"][0]
    load = full["active"] + full["inactive"]
    assert bed.api("PATCH", "pools/web/servers/a", {"max": load + 1})[0] == 200
    assert asked(bed, 300) == "172.16.0.2"
    bed.client.drain()
    assert asked(bed, 301, patience=0.1) is None
    assert bed.client.ip()[ICMP].code == 3
    assert bed.api("PATCH", "pools/web/servers/a", {"max": load + 9})[0] == 200
    assert asked(bed, 302) == "172.16.0.2"
    clean(bed)


def test_hash_schedulers_hold_their_clients(bed: Judged) -> None:
    """V54, V55."""
    clients = [f"10.0.0.{number}" for number in range(2, 10)]
    bed.start(ini(service(), scheduler="sh"))
    for scheduler in ("sh", "mh"):
        if scheduler != "sh":
            bed.reload(ini(service(), scheduler=scheduler))
        chosen = [{asked(bed, 300 + 7 * n, client=client) for n in range(3)} for client in clients]
        assert all(len(one) == 1 for one in chosen)
        assert set.union(*chosen) == set(SERVERS)
    bed.stop()


def test_reloads_leave_other_connections_alone(bed: Judged) -> None:
    bed.start(ini(service()))
    server = established(bed, 100)
    two = service("two", f"tcp {OTHER}:80")
    bed.reload(ini(service(), two))
    second = established(bed, 101, OTHER)
    for text in (
        ini(service(), two, scheduler="wlc"),
        ini(service(more="persistent = 60s"), two),
        ini(service("renamed"), two),
        ini(service("renamed", forward="dr"), two),
        ini(service(), two, more="sloppy_tcp = 1\ntimeout.udp = 10s"),
    ):
        bed.reload(text)
        assert asked(bed, 100, "A") == server
        assert asked(bed, 101, "A", OTHER) == second
    assert asked(bed, 555, "A") is not None, "sloppy_tcp came by reload"
    bed.write("[l4:x]\nvirtual = nonsense\n")
    assert bed.process is not None
    bed.process.send_signal(1)
    wait_for(lambda: "running one goes on" in bed.log)
    assert asked(bed, 100, "A") == server
    bed.reload(ini(two))
    assert VIP not in bed.addresses()
    assert asked(bed, 101, "A", OTHER) == second
    clean(bed)


def test_what_is_removed_and_comes_back_is_what_it_was(bed: Judged) -> None:
    """V15, V17 with 0: silence meanwhile, then the old connection works and counters go on."""
    bed.start(ini(service()))
    server = established(bed, 100)
    whole = ini(service())
    bed.reload(re.sub(rf"server\..*{re.escape(server)}:.*\n", "", whole))
    bed.client.drain()
    assert asked(bed, 100, "A", patience=0.2) is None
    assert not bed.client.frames()
    # What the server still sends reaches the client as before; as it is, the client would reset it.
    bed.server.put(IP(src=server, dst=CLIENT) / TCP(sport=8080, dport=100, flags="A") / b"late")
    late = parsed(bed.client.get())
    assert (late.src, late[TCP].sport, bytes(late[TCP].payload)) == (VIP, 80, b"late")
    bed.reload(whole)
    assert asked(bed, 100, "A") == server
    found = next(one for one in bed.api("GET", "pools/web")[1]["servers"] if one["name"] == SERVERS[server])
    assert (found["traffic"]["conns"], found["traffic"]["inpkts"]) == (1, 3)
    bed.reload(ini())
    assert VIP not in bed.addresses()
    bed.reload(whole)
    assert asked(bed, 100, "A") == server
    bed.stop()


def test_a_server_is_chosen_when_its_answers_are_captured(bed: Judged) -> None:
    """The host's stack would route an answer on as it is; the client resets what it does not know."""
    whole = ini(service())
    only_a = re.sub(r"server\.b.*\n", "", whole)
    bed.start(only_a)
    assert bed.process is not None
    ports = itertools.count(1000)
    told = set()
    for _ in range(10):
        bed.write(whole)
        answered = bed.answered()
        bed.process.send_signal(1)
        asks = 0
        while asks < 2:
            asks += answered()
            bed.client.put(syn(CLIENT, next(ports), VIP, 80))
            asked = parsed(bed.server.get())
            told.add(asked.dst)
            bed.server.put(IP(src=asked.dst, dst=CLIENT) / TCP(sport=8080, dport=asked.sport, flags="SA"))
            assert bed.client.ip().src == VIP
        bed.reload(only_a)
    assert told == set(SERVERS)
    assert not bed.client.frames()
    bed.stop()


def test_reuse_sloppy_and_removed_servers(bed: Judged) -> None:
    """V19, V46, V17 with 1."""
    more = "sloppy_tcp = 1\nexpire_nodest_conn = 1"
    bed.start(ini(service(), more=more))
    assert asked(bed, 100, "A") is not None
    assert asked(bed, 101, "R", patience=0.1) is None
    server = established(bed, 110)
    bed.client.put(syn(CLIENT, 110, VIP, 80, "FA"))
    bed.server.get()
    bed.server.put(IP(src=server, dst=CLIENT) / TCP(sport=8080, dport=110, flags="FA"))
    bed.client.get()
    assert asked(bed, 110) != server
    server = established(bed, 120)
    bed.reload(re.sub(rf"server\..*{re.escape(server)}:.*\n", "", ini(service(), more=more)))
    assert asked(bed, 120, "A") not in {server, None}
    bed.stop()


def test_quiet_flows_end(bed: Judged) -> None:
    """V27, V12: a UDP flow ends after its time, and its claim on the server with it."""
    bed.start(ini(service(virtual=f"udp {VIP}:53"), more="timeout.udp = 1s"))
    for port in range(5):
        bed.client.put(IP(src=CLIENT, dst=VIP) / UDP(sport=100 + port, dport=53) / b"x")
        bed.server.get()

    def load() -> int:
        servers = bed.api("GET", "pools/web")[1]["servers"]
        return sum(one["active"] + one["inactive"] for one in servers)

    assert load() == 5
    wait_for(lambda: load() == 0, 4)
    assert "5  " in bed.ctl("show", "services")
    bed.stop()


def test_killed_and_started_again(bed: Judged) -> None:
    bed.start(ini(service(), more="sloppy_tcp = 1"))
    established(bed, 100)
    for number in range(300):
        bed.client.put(syn(CLIENT, 1000 + number, VIP, 80))
    assert bed.process is not None
    bed.process.kill()
    bed.process.wait()
    assert VIP in bed.addresses()
    bed.drain_wires()
    bed.start()
    assert asked(bed, 101) is not None
    assert asked(bed, 100, "A") is not None
    for text, here in ((ini(service("x", f"tcp {OTHER}:80")), True), (ini(), False)):
        bed.process.kill()
        bed.process.wait()
        bed.start(text)
        assert VIP not in bed.addresses()
        assert (OTHER in bed.addresses()) is here
    assert "director-" not in bed.tables(), "without a service nothing of the killed run stays"
    clean(bed)


def test_links_routes_and_rules_that_go_and_return(bed: Judged) -> None:
    bed.start(ini(service()))
    server = established(bed, 100)

    def says(*words: str) -> bool:
        status, text = bed.readyz()
        return status == (503 if words else 200) and all(word in text for word in words)

    for device in ("d1", "d0"):
        bed.net.run(bed.here, "ip", "link", "set", device, "down")
        wait_for(partial(says, f"interface {device} is down"))
        bed.net.run(bed.here, "ip", "link", "set", device, "up")
        bed.neighbours()
        wait_for(says)
        assert asked(bed, 100, "A") == server
    bed.net.run(bed.here, "ip", "address", "del", "172.16.0.1/24", "dev", "d1")
    wait_for(lambda: says("no route to server 172.16.0.2"))
    assert bed.service("web")["listeners"][0]["bound"] is False
    assert asked(bed, 103, patience=0.1) is None
    bed.net.run(bed.here, "ip", "address", "add", "172.16.0.1/24", "dev", "d1")
    bed.neighbours()
    wait_for(says)
    assert asked(bed, 100, "A") == server
    bed.net.run(bed.here, "ip", "address", "del", f"{VIP}/32", "dev", "lo")
    wait_for(lambda: VIP in bed.addresses())
    bed.net.run(bed.here, "nft", "flush", "ruleset")
    wait_for(lambda: "director-" in bed.tables())
    bed.client.drain()
    assert asked(bed, 110) is not None
    assert not bed.client.frames(), "the host's stack must not answer"
    for said in (
        "layer 4: interface d1 is down",
        "s: interface d1 is down",
        "s: no route to server 172.16.0.2",
        f"virtual address {VIP} was removed from this host",
    ):
        wait_for(lambda said=said: said in bed.log)  # type: ignore[misc]
    bed.reload(ini(service()).replace("172.16.0.3", "192.0.2.3"))
    assert "no route to server 192.0.2.3" in bed.readyz()[1]
    bed.reload(ini(service()))
    assert bed.readyz()[0] == 200, "a server that left is nobody's trouble"
    clean(bed)


def test_an_interface_that_is_not_there_yet(bed: Judged) -> None:
    bed.start(ini(service(), interfaces="d0, d1, d9"))
    assert "interface d9 does not exist" in bed.readyz()[1]
    assert asked(bed, 100) is not None
    bed.net.run(bed.here, "ip", "link", "add", "d9", "type", "veth", "peer", "name", "d8")
    bed.net.run(bed.here, "ip", "link", "set", "d8", "up")
    bed.net.run(bed.here, "ip", "link", "set", "d9", "up")
    wait_for(lambda: bed.readyz()[0] == 200)
    clean(bed)


def test_cache_services_and_strays(bed: Judged) -> None:
    """V41 for a whole network by mark, V34: port unreachable for a stray answer, never for a reset."""
    more = "nat_icmp_send = 1\ncache_bypass = 1\nmark.9 = tcp 192.0.2.0/24:80"
    bed.start(ini(service("cache", "fwmark 9", more="persistent = 60s"), service(), more=more))
    bed.net.run(bed.here, "ip", "route", "add", "192.0.2.0/24", "via", "172.16.0.7")
    server = asked(bed, 5, to="192.0.2.33")
    assert server in SERVERS
    bed.server.put(IP(src=server, dst=CLIENT) / TCP(sport=80, dport=5, flags="SA"))
    assert bed.client.ip().src == "192.0.2.33"
    for name in SERVERS.values():
        bed.ctl("weight", f"web/{name}", "0")
    assert asked(bed, 6, to="192.0.2.34", client="10.0.0.5") == "192.0.2.34"
    bed.drain_wires()
    bed.server.put(IP(src="172.16.0.2", dst=CLIENT) / TCP(sport=8080, dport=9, flags="A"))
    assert bed.server.ip()[ICMP].code == 3
    bed.server.put(IP(src="172.16.0.2", dst=CLIENT) / TCP(sport=8080, dport=9, flags="R"))
    assert bed.client.ip().src == "172.16.0.2"
    assert not bed.server.frames()
    clean(bed)


def test_a_server_that_is_this_host(bed: Judged) -> None:
    """V40: the host's own stack answers on the virtual address."""
    text = ini(service("here", f"tcp {VIP}:8089", "dr")).replace("127.0.0.1:8088", ":8089")
    text = text.replace("172.16.0.2:8080", "172.16.0.1:8089").replace("server.b", "#")
    bed.start(text.replace("#", "# server.b"))
    bed.client.put(syn(CLIENT, 100, VIP, 8089))
    answer = bed.client.ip()
    assert (answer.src, str(answer[TCP].flags)) == (VIP, "SA")
    assert bed.service("here")["traffic"]["conns"] == 1
    clean(bed)


def test_layer_7_listens_on_a_virtual_address(bed: Judged) -> None:
    """It is bound before the address is there, and wins over a service on all ports."""
    text = ini(service(virtual=f"tcp {VIP}:0", more="persistent = 60s"))
    bed.start(text.replace("127.0.0.1:8088", f"{VIP}:8088"))
    bed.client.put(syn(CLIENT, 100, VIP, 8088))
    answer = bed.client.ip()
    assert (answer.src, str(answer[TCP].flags)) == (VIP, "SA")
    assert not bed.server.frames()
    bed.client.put(IP(src=CLIENT, dst=VIP) / TCP(sport=100, dport=8088, flags="R", seq=1001))
    bed.client.put(syn(CLIENT, 101, VIP, 8089))
    assert bed.server.ip()[TCP].dport == 8089
    clean(bed)


def test_without_capabilities_layer_7_serves(bed: Judged) -> None:
    drop = "-net_raw,-net_admin"
    bed.start(ini(service()), prefix=("setpriv", f"--bounding-set={drop}", f"--inh-caps={drop}"))
    status, text = bed.readyz()
    assert status == 503
    assert "CAP_NET_RAW" in text
    assert "AmbientCapabilities" in text
    assert "127.0.0.1:8088" in bed.net.run(bed.here, "ss", "-ltn")
    assert not bed.service("web")["listeners"][0]["bound"]
    bed.stop()


def test_a_flood_fills_a_bounded_table(bed: Judged) -> None:
    bed.start(ini(service(), more="conn_tab_bits = 8"))
    assert bed.process is not None
    status = Path(f"/proc/{bed.process.pid}/status")

    def resident() -> int:
        found = re.search(r"VmRSS:\s+(\d+)", status.read_text())
        assert found is not None
        return int(found[1])

    sizes = []
    for turn in range(4):
        flood(bed, 3000, turn * 3000)
        wait_for(lambda: bed.readyz()[0] == 200)
        bed.drain_wires()
        sizes.append(resident())
    assert bed.service("web")["traffic"]["conns"] <= 12000
    assert sizes[-1] - sizes[1] < 6000, f"kilobytes after each turn: {sizes}"
    servers = bed.api("GET", "pools/web")[1]["servers"]
    assert sum(one["active"] + one["inactive"] for one in servers) <= 16 << 8
    clean(bed)


def flood(bed: Judged, count: int, start: int) -> None:
    """SYNs from many clients, checksums right, in small bursts."""
    seed = bytearray(bytes(syn(CLIENT, 1, VIP, 80)))
    for number in range(start, start + count):
        seed[12:16] = bytes((203, 0, 113, number & 0xFF))
        seed[20:22] = struct.pack("!H", 1024 + (number >> 3) % 60000)
        seed[10:12] = seed[36:38] = b"\0\0"
        seed[10:12] = checksum(seed[:20])
        seed[36:38] = checksum(seed[12:20] + b"\0\6\0\x14" + seed[20:40])
        bed.client.raw(bed.client.peer + bed.client.mac + b"\x08\x00" + seed)
        if number % 200 == 0:
            time.sleep(0.004)


def checksum(data: bytes | bytearray) -> bytes:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", total ^ 0xFFFF)

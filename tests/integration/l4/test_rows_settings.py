"""V38, V41, V46 to V48, V59, V63 to V65: settings of `[l4]`, log and counters, by what they do."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.sctp import SCTP, SCTPChunkAbort, SCTPChunkData, SCTPChunkInit
from scapy.packet import Packet, Raw

from tests.conformance.l4.mutants import fault, joined
from tests.integration.l4.bed import HERE, SOURCES, wait_for
from tests.integration.l4.flows import PORTS
from tests.integration.l4.texts import HEAD, pool, service
from tests.integration.l4.wire_judge import Judged, directed, judged, parsed

CLIENT, CLIENT6 = "10.0.0.2", "fd00:10::2"
VIP, DR, TUN, EMPTY = "198.51.100.10", "198.51.100.11", "198.51.100.12", "198.51.100.13"
EMPTY6 = "2001:db8:100::13"
SERVERS = ["172.16.0.2:8080", "172.16.0.3:8080"]


def configuration(more: str = "") -> str:
    marks = "mark.8 = tcp 192.0.8.0/24:80\nmark.9 = tcp [2001:db8:900::/64]:80\n"
    text = HEAD.format(more=marks + more) + pool("web", SERVERS) + pool("one", SERVERS[:1])
    text += pool("off", ["172.16.0.2:80 weight=0"], "wlc") + pool("off6", ["[fd00:16::2]:80 weight=0"], "wlc")
    for name, virtual, of, forward in (
        ("tcp", f"tcp {VIP}:80", "web", "nat"), ("udp", f"udp {VIP}:53", "web", "nat"),
        ("rated", f"udp {VIP}:54", "web", "nat"), ("sctp", f"sctp {VIP}:2905", "web", "nat"),
        ("dr", f"tcp {DR}:80", "one", "dr"), ("tun", f"tcp {TUN}:80", "one", "tun"),
        ("empty", f"tcp {EMPTY}:80", "off", "nat"), ("empty6", f"udp [{EMPTY6}]:53", "off6", "nat"),
        ("mark8", "fwmark 8", "off", "nat"), ("mark9", "fwmark 9 inet6", "off6", "nat"),
    ):  # fmt: skip
        text += service(name, virtual, of, forward)
    return text + service("sticky", f"tcp {VIP}:81", "web", "nat", "persistent = 100s")


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    with directed(tmp_path_factory.mktemp("rows"), configuration()) as made:
        yield made


def tcp(
    sport: int, flags: str = "S", to: str = VIP, data: bytes = b"", dport: int = 80, **fields: Any
) -> Packet:
    return IP(src=CLIENT, dst=to, **fields) / TCP(sport=sport, dport=dport, flags=flags) / Raw(data)


def state(bed: Judged, sport: int) -> str | None:
    """The state of a connection as the API shows it."""
    found = bed.api("GET", "connections?limit=1000")[1]
    return next((one["state"] for one in found if one["client"] == f"{CLIENT}:{sport}"), None)


def served(bed: Judged, packet: Packet) -> bool:
    """The packet reaches a server; if not, nobody hears anything."""
    bed.client.put(packet)
    return bool(bed.server.frames(0.15, 1))


# --- settings -------------------------------------------------------------------------------------


def test_pmtu_disc_0(bed: Judged) -> None:
    """V38: DF is not honoured: the packet arrives, and the outer one has no DF."""
    bed.reload(configuration("pmtu_disc = 0"))
    sport = PORTS.popleft()
    bed.client.put(tcp(sport, to=TUN, flags="S"))
    bed.server.get()
    bed.client.put(tcp(sport, "A", TUN, b"x" * 1000))
    assert "DF" not in bed.server.ip().flags
    packet = tcp(sport, "A", TUN, b"y" * 1460)
    packet.flags = "DF"
    bed.client.put(packet)
    pieces = [bytes(parsed(frame)) for frame in bed.server.frames(1.0, 2)]
    whole = joined(pieces)
    assert whole is not None
    assert not fault(whole)
    assert bytes(IP(whole)[TCP].payload) == b"y" * 1460
    assert not any("DF" in IP(piece).flags for piece in pieces)
    assert not bed.client.frames(0.02)
    bed.reload(configuration())
    bed.client.put(packet)
    assert bed.client.ip()[ICMP].nexthopmtu == 1480


def test_sloppy(bed: Judged) -> None:
    """V46: 1: any packet but RST or ABORT opens one; 0: only SYN and INIT."""

    def sctp(chunk: Packet) -> Packet:
        return IP(src=CLIENT, dst=VIP) / SCTP(sport=PORTS.popleft(), dport=2905) / chunk

    assert not served(bed, sctp(SCTPChunkData(data=b"x")))
    assert served(bed, sctp(SCTPChunkInit(init_tag=1)))
    bed.reload(configuration("sloppy_tcp = 1\nsloppy_sctp = 1"))
    for flags, opens in (("A", True), ("FA", True), ("", True), ("R", False), ("SR", False)):
        assert served(bed, tcp(PORTS.popleft(), flags)) is opens, flags
    assert served(bed, sctp(SCTPChunkData(data=b"x")))
    assert not served(bed, sctp(SCTPChunkAbort()))
    bed.reload(configuration())
    bed.drain_wires()


def test_drop_packet(bed: Judged) -> None:
    """V47: 3 drops each am_droprate-th packet that would open one, 1 when memory is low; 4 is no mode."""

    def opened(count: int) -> list[bool]:
        packets = [
            IP(src=CLIENT, dst=VIP) / UDP(sport=PORTS.popleft(), dport=53) / b"x" for _ in range(count)
        ]
        first = packets[0][UDP].sport
        bed.client.put(*packets)
        came = {parsed(frame)[UDP].sport - first for frame in bed.server.frames(0.4, count)}
        return [number in came for number in range(count)]

    bed.reload(configuration("drop_packet = 3\nam_droprate = 5"))
    found = opened(25)
    dropped = [number for number, came in enumerate(found) if not came]
    assert len(dropped) == 5
    assert {later - earlier for earlier, later in pairwise(dropped)} == {5}
    bed.reload(configuration("drop_packet = 1"))
    assert all(opened(10))
    running = PORTS.popleft()
    assert served(bed, tcp(running))
    bed.reload(configuration(f"drop_packet = 1\namemthresh = {(1 << 31) - 1}"))
    wait_for(lambda: not any(opened(3)), 6)
    assert served(bed, tcp(running, "A")), "what is open goes on"
    bed.reload(configuration())
    wait_for(lambda: all(opened(3)), 6)
    assert bed.process is not None
    bed.write(configuration("drop_packet = 4"))
    bed.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "drop_packet = 4" in bed.log)
    bed.write(configuration())
    assert all(opened(3))


def test_secure_tcp(bed: Judged) -> None:
    """V47: with 3 a client's ACK does not make a connection ESTABLISHED, only the server's does."""
    for mode, states in (
        (0, ("SYN_RECV", "ESTABLISHED", "SYN_RECV", "ESTABLISHED", "ESTABLISHED")),
        (1, ("SYN_RECV", "ESTABLISHED", "SYN_RECV", "ESTABLISHED", "ESTABLISHED")),
        (3, ("SYN_RECV", "SYN_RECV", "SYNACK", "SYNACK", "ESTABLISHED")),
    ):
        bed.reload(configuration(f"secure_tcp = {mode}"))
        sport = PORTS.popleft()
        bed.client.put(tcp(sport))
        server = bed.server.ip().dst
        seen = [state(bed, sport)]
        for ours, flags in ((True, "A"), (False, "SA"), (True, "A"), (False, "A")):
            if ours:
                bed.client.put(tcp(sport, flags))
                bed.server.get()
            else:
                bed.server.put(IP(src=server, dst=CLIENT) / TCP(sport=8080, dport=sport, flags=flags))
                bed.client.get()
            seen.append(state(bed, sport))
        # D.2: an SYN of the server moves ES to ES in the normal table.
        wanted = tuple("ESTABLISHED" if mode < 3 and turn == 2 else one for turn, one in enumerate(states))
        assert tuple(seen) == wanted, mode
    bed.reload(configuration())


def test_drop_entry(bed: Judged) -> None:
    """V47: half-open connections are dropped, established ones that had a packet this minute are not."""
    kept = [PORTS.popleft() for _ in range(20)]
    for sport in kept:
        for flags in ("S", "A"):
            bed.client.put(tcp(sport, flags))
            bed.server.get()
    half = [PORTS.popleft() for _ in range(600)]
    for start in range(0, 600, 100):
        bed.client.put(*(tcp(sport) for sport in half[start : start + 100]))
        assert len(bed.server.frames(1.0, 100)) == 100

    def left(ports: list[int]) -> int:
        found = {one["client"] for one in bed.api("GET", "connections?limit=1000")[1]}
        return sum(f"{CLIENT}:{sport}" in found for sport in ports)

    assert (left(kept), left(half)) == (20, 600)
    bed.reload(configuration("drop_entry = 3"))
    wait_for(lambda: left(half) < 590, 8)
    assert left(kept) == 20
    bed.reload(configuration())
    for sport in kept:
        assert served(bed, tcp(sport, "A"))


def test_cache_bypass(bed: Judged) -> None:
    """V41: a mark service without a server: to the original destination, TTL-1 and otherwise as it came."""
    for more, reached in (("", False), ("cache_bypass = 1", True)):
        bed.reload(configuration(more))
        for route in (("192.0.8.0/24", "172.16.0.9"), ("2001:db8:900::/64", "fd00:16::9")):
            bed.net.run(bed.here, "ip", "route", "replace", route[0], "via", route[1])
        for packet in (
            IP(src=CLIENT, dst="192.0.8.5", ttl=9) / TCP(sport=PORTS.popleft(), dport=80, flags="S"),
            IPv6(src=CLIENT6, dst="2001:db8:900::5", hlim=9)
            / TCP(sport=PORTS.popleft(), dport=80, flags="S"),
        ):
            bed.client.put(packet)
            if not reached:
                bed.client.get()
                continue
            if isinstance(packet, IP):
                packet.ttl = 8
            else:
                packet.hlim = 8
            assert bytes(bed.server.ip()) == bytes(packet.__class__(bytes(packet)))
    bed.reload(configuration())
    bed.drain_wires()


def ready(log: Path) -> bool:
    return '"ready"' in log.read_text()


def test_backup_only(tmp_path: Path) -> None:
    """V48: while the backup daemon runs, packets are left to the host; without it nothing changes."""
    with judged(tmp_path, "dirrowb") as bed:
        for backup, only, forwarded in (("", "1", True), ("1", "0", True), ("1", "1", False)):
            place = tmp_path / f"{backup}{only}"
            place.mkdir()
            words = [str(place), "rows", "nat", f"{VIP}:80", SERVERS[0], "tcp", f"backup_only={only}"]
            words += [f"backup={backup}"] if backup else []
            log, argv = place / "log", (sys.executable, str(HERE / "run_core.py"), *words)
            process = bed.net.start(bed.here, *argv, log=log, env={"PYTHONPATH": str(SOURCES)})
            wait_for(partial(ready, log), 20)
            bed.client.put(tcp(PORTS.popleft()))
            if forwarded:
                assert bed.server.ip().dst == "172.16.0.2"
            else:
                answer = bed.client.ip()
                assert (answer.src, str(answer[TCP].flags)) == (VIP, "RA"), "the host's own stack"
                assert not bed.server.frames(0.02)
            process.terminate()
            assert process.wait(15) == 0


# --- the log ----------------------------------------------------------------------------------------


def test_no_destination_is_logged(bed: Judged) -> None:
    """V59: `NAME: PROTO ADDR:PORT - no destination available`, rate-limited; `FWM N` for a mark."""
    texts = (
        f"wlc: TCP {EMPTY}:80 - no destination available",
        f"wlc: UDP [{EMPTY6}]:53 - no destination available",
        "wlc: FWM 8 - no destination available",
    )

    def counted() -> list[int]:
        return [bed.log.count(text) for text in texts]

    def ask() -> None:
        bed.client.put(
            tcp(PORTS.popleft(), to=EMPTY), tcp(PORTS.popleft(), to="192.0.8.5"),
            IPv6(src=CLIENT6, dst=EMPTY6) / UDP(sport=PORTS.popleft(), dport=53) / b"x",
        )  # fmt: skip
        bed.client.frames(0.2, 3)

    def all_said() -> bool:
        ask()
        return all(now > then for now, then in zip(counted(), before, strict=True))

    before, began = counted(), time.monotonic()
    wait_for(all_said)
    for _ in range(40):
        ask()
    most = time.monotonic() - began + 2  # one at once, and one that the log did not have yet
    assert max(now - then for now, then in zip(counted(), before, strict=True)) <= most, "one a second"
    before = counted()
    wait_for(all_said)


# --- counters ------------------------------------------------------------------------------------------


KEYS = ("conns", "inpkts", "outpkts", "inbytes", "outbytes")


def figures(bed: Judged, name: str, of: str) -> list[Counter[str]]:
    """Service, its servers together, and the whole."""
    found = [
        bed.service(name)["traffic"],
        *(one["traffic"] for one in bed.api("GET", f"pools/{of}")[1]["servers"]),
    ]
    whole = bed.api("GET", "layer4")[1]["traffic"]
    servers: Counter[str] = Counter()
    for one in found[1:]:
        servers.update({key: one[key] for key in KEYS})
    return [
        Counter({key: found[0][key] for key in KEYS}),
        servers,
        Counter({key: whole[key] for key in KEYS}),
    ]


def grown(before: list[Counter[str]], after: list[Counter[str]]) -> list[dict[str, int]]:
    return [{key: now[key] - then[key] for key in KEYS} for then, now in zip(before, after, strict=True)]


def test_counters(bed: Judged) -> None:
    """V63: connections, packets and bytes of IP, for server, service and the whole; DR sees no answers."""
    before = figures(bed, "tcp", "web")
    sport = PORTS.popleft()
    sent, back = [tcp(sport), tcp(sport, "A"), tcp(sport, "PA", data=b"x" * 333)], []
    for packet in sent:
        bed.client.put(packet)
        server = bed.server.ip().dst
    for flags, data in (("SA", b""), ("PA", b"y" * 1001)):
        back.append(IP(src=server, dst=CLIENT) / TCP(sport=8080, dport=sport, flags=flags) / Raw(data))
        bed.server.put(back[-1])
        bed.client.get()
    error = IP(src="10.0.0.9", dst=VIP) / ICMP(type=3, code=1) / bytes(
        IP(src=VIP, dst=CLIENT) / TCP(sport=80, dport=sport))  # fmt: skip
    bed.client.put(error)
    bed.server.get()
    wanted = {
        "conns": 1, "inpkts": 4, "outpkts": 2, "inbytes": sum(len(one) for one in (*sent, error)),
        "outbytes": sum(len(one) for one in back),
    }  # fmt: skip
    assert grown(before, figures(bed, "tcp", "web")) == [wanted] * 3
    before = figures(bed, "dr", "one")
    sport = PORTS.popleft()
    for flags in ("S", "A"):
        bed.client.put(tcp(sport, flags, DR))
        bed.server.get()
    wanted = {"conns": 1, "inpkts": 2, "outpkts": 0, "inbytes": 80, "outbytes": 0}
    found = grown(before, figures(bed, "dr", "one"))
    assert (found[0], found[2]) == (wanted, wanted)
    metrics = bed.http("GET", "/metrics")[1]
    for name, key in (("connections", "conns"), ("packets_in", "inpkts"), ("bytes_out", "outbytes")):
        whole = bed.api("GET", "layer4")[1]["traffic"][key]
        assert f"\ndirector_l4_{name}_total {whole}\n" in metrics


def test_drops_are_counted_by_their_reason(bed: Judged) -> None:
    """Every packet that goes nowhere raises one counter, which names why."""

    def counters() -> dict[str, int]:
        return dict(bed.api("GET", "layer4")[1]["counters"])

    broken = IP(bytes(tcp(PORTS.popleft())))
    broken[TCP].chksum ^= 1
    header = IP(bytes(tcp(PORTS.popleft())))
    header.chksum ^= 1
    for reason, packet in (
        ("bad_checksum", broken), ("bad_ipv4_checksum", header),
        ("land", IP(src=VIP, dst=VIP) / TCP(dport=80)),
        ("martian_source", IP(src="127.0.0.1", dst=VIP) / TCP(dport=80)),
        ("source_routed", IP(src=CLIENT, dst=VIP, options=b"\x83\x07\x04\x0a\0\0\1\0") / TCP(dport=80)),
        ("short_tcp", IP(src=CLIENT, dst=VIP, proto=6) / Raw(b"abc")),
    ):  # fmt: skip
        before = counters().get(reason, 0)
        assert not served(bed, packet)
        assert counters()[reason] == before + 1, reason


def test_estimator(bed: Judged) -> None:
    """V64: a sample every 2 s, a quarter of the way: the step and its decay, to the number (H)."""

    def rates() -> tuple[int, int]:
        found = bed.service("rated")["traffic"]["rates"]
        return found["conns"], found["inbytes"]

    def burst(count: int) -> None:
        asked = IP(src=CLIENT, dst=VIP)
        bed.client.put(*(asked / UDP(sport=PORTS.popleft(), dport=54) / b"x" for _ in range(count)))
        bed.server.frames(1.0, count)

    def changed(before: tuple[int, int]) -> tuple[int, int]:
        wait_for(lambda: rates() != before, 5, 0.02)
        return rates()

    assert rates() == (0, 0)
    length = len(IP() / UDP() / b"x")
    conns = octets = 0
    burst(16)
    # The first sample tells when samples are taken; the next burst lies between two of them.
    seen = changed((0, 0))
    for number in (16, 160, 0):
        conns += ((number << 9) - conns) >> 2
        octets += ((number * length << 4) - octets) >> 2
        expected = (conns + 0x1FF) >> 10, (octets + 0xF) >> 5
        if number != 16:
            if number:
                burst(number)
            seen = changed(seen)
        assert seen == expected, number


def test_listings_have_the_numbers_of_the_kernels_files(bed: Judged) -> None:
    """V65: what `/proc/net/ip_vs`, `ip_vs_conn` and `ip_vs_stats` hold is in the API.

    The files themselves belong to ipvsadm's listing, which shows the same values.
    """
    sport = PORTS.popleft()
    bed.client.put(tcp(sport, dport=81))
    server = bed.server.ip().dst
    found = bed.api("GET", "connections?limit=1000")[1]
    flow = next(one for one in found if one["client"] == f"{CLIENT}:{sport}")
    assert (flow["protocol"], flow["virtual"], flow["target"]) == ("TCP", f"{VIP}:81", f"{server}:8080")
    assert (flow["state"], flow["packets"], flow["forward"]) == ("SYN_RECV", 1, "Masq")
    assert 55 < flow["expires"] <= 60
    template = next(one for one in found if one["template"])
    assert (template["client"], template["virtual"]) == (f"{CLIENT}:0", f"{VIP}:81")
    assert 95 < template["expires"] <= 100
    servers = bed.api("GET", "pools/web")[1]["servers"]
    assert {"weight", "active", "inactive", "persistent"} <= servers[0].keys()
    assert sum(one["persistent"] for one in servers) == 1
    whole = bed.api("GET", "layer4")[1]
    assert set(whole["traffic"]) == {*KEYS, "rates"}
    assert set(whole["traffic"]["rates"]) == set(KEYS)
    assert json.dumps(bed.service("sticky")).count("100")

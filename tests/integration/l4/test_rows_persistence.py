"""Clients that return: V19 to V22 and the timers of templates (`lvs-semantics` C.2, C.3, C.4 step 8)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from scapy.layers.inet import TCP, UDP
from scapy.layers.sctp import SCTP, SCTPChunkAbort, SCTPChunkCookieAck, SCTPChunkCookieEcho, SCTPChunkInit
from scapy.packet import Packet

from tests.integration.l4.bed import wait_for
from tests.integration.l4.flows import connections, flows, inwards, outwards, place, servers, templates
from tests.integration.l4.packets import ip
from tests.integration.l4.texts import ini
from tests.integration.l4.wire_judge import Judged, directed

VIP, VIP6 = "198.51.100.10", "2001:db8:100::10"
CLIENT = "10.0.0.2"
POOLS = {
    "web": ("172.16.0.2:8080", "172.16.0.3:8080"),
    "web6": ("[fd00:16::2]:8080", "[fd00:16::3]:8080"),
    "idle": ("172.16.0.4:8080", "172.16.0.5:8080"),
    "assoc": ("172.16.0.6:8080",),
}
STICKY = "persistent = 60s"
SERVICES = [
    (f"tcp {VIP}:80", "web", "nat", f"{STICKY}\nnetmask = 24"),
    (f"tcp {VIP}:21", "web", "nat", STICKY),
    (f"udp {VIP}:0", "web", "nat", STICKY),
    (f"tcp [{VIP6}]:80", "web6", "nat", f"{STICKY}\nnetmask = 64"),
    (f"tcp [{VIP6}]:21", "web6", "nat", STICKY),
    (f"udp [{VIP6}]:0", "web6", "nat", STICKY),
    ("fwmark 9", "web", "nat", STICKY),
    ("fwmark 10 inet6", "web6", "nat", STICKY),
    ("udp 198.51.100.11:53", "web", "nat", "persistent = 2s"),
    ("tcp 198.51.100.11:53", "web", "nat", "persistent = 2s"),
    ("tcp 198.51.100.20:80", "web", "nat", ""),
    ("tcp 198.51.100.21:80", "web", "dr", ""),
    ("tcp 198.51.100.22:80", "web", "nat", STICKY),
    ("sctp 198.51.100.20:80", "assoc", "nat", ""),
    ("tcp 198.51.100.23:80", "idle", "nat", ""),
]
MARKS = "mark.9 = ip 198.51.100.30\nmark.10 = ip 2001:db8:100::30\n"


def text(keys: str = "") -> str:
    return ini(POOLS, SERVICES, f"timeout.udp = 1s\n{MARKS}{keys}")


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    with directed(tmp_path_factory.mktemp("persistence"), text()) as made:
        yield made


def opened(bed: Judged, kind: str, client: str, sport: int, virtual: str, port: int) -> Packet:
    layer = TCP(sport=sport, dport=port, flags="S") if kind == "tcp" else UDP(sport=sport, dport=port) / b"x"
    return inwards(bed, [ip(client, virtual) / layer])[0]


def kept(bed: Judged, *about: str) -> list[tuple[str, str, str, str]]:
    """Protocol, client, virtual and target of the templates about any of these."""
    wanted = ("protocol", "client", "virtual", "target")
    rows = [tuple(one[key] for key in wanted) for one in templates(bed)]
    return [one for one in rows if any(word in one[1:3] for word in about)]


# --- keys ------------------------------------------------------------------------------------------

NET, NET6 = "203.0.113.0", "2001:db8:5:1::"
KEYS: dict[str, tuple[str, str, list[tuple[str, int]], tuple[str, str], int]] = {
    # service: protocol, virtual address, (client, port) of each packet, template's client and virtual; dport
    "its own port": ("tcp", VIP, [("203.0.113.7", 80), ("203.0.113.200", 80)], (NET, f"{VIP}:80"), 8080),
    "ftp": (
        "tcp", VIP, [("10.0.0.3", 21), ("10.0.0.3", 20), ("10.0.0.3", 4000)], ("10.0.0.3", f"{VIP}:0"), 0,
    ),
    "port 0": ("udp", VIP, [("10.0.0.3", 53), ("10.0.0.3", 123)], ("10.0.0.3", f"{VIP}:0"), 0),
    "a mark": ("tcp", "198.51.100.30", [("10.0.0.3", 53), ("10.0.0.3", 9)], ("10.0.0.3", "0.0.0.9:0"), 0),
    "its own port, ipv6": (
        "tcp", VIP6, [("2001:db8:5:1::7", 80), ("2001:db8:5:1:ff::", 80)], (NET6, f"[{VIP6}]:80"), 8080,
    ),
    "ftp, ipv6": (
        "tcp", VIP6, [("fd00:10::3", 21), ("fd00:10::3", 20), ("fd00:10::3", 4000)],
        ("fd00:10::3", f"[{VIP6}]:0"), 0,
    ),
    "port 0, ipv6": (
        "udp", VIP6, [("fd00:10::3", 53), ("fd00:10::3", 123)], ("fd00:10::3", f"[{VIP6}]:0"), 0,
    ),
    "a mark, ipv6": (
        "tcp", "2001:db8:100::30", [("fd00:10::3", 53), ("fd00:10::3", 9)], ("fd00:10::3", "[::a]:0"), 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", KEYS)
def test_what_a_template_is_about(bed: Judged, case: str) -> None:
    """V20, V22: the table of C.3, row by row; the service's port becomes the server's, others stay."""
    kind, virtual, packets, (client, about), dport = KEYS[case]
    own = {80: 8080, 21: 8080}
    sport = 1000 + 20 * list(KEYS).index(case)
    chosen = set()
    for number, (source, port) in enumerate(packets):
        came = opened(bed, kind, source, sport + number, virtual, port)
        chosen.add(came.dst)
        kept_port = "mark" in case or kind == "udp"
        assert came.dport == (port if kept_port else own.get(port, port))
    assert len(chosen) == 1
    server = chosen.pop()
    mine = [one for one in kept(bed, place(client, 0)) if one[2] == about]
    protocol = "IP" if "mark" in case else kind.upper()
    assert (protocol, place(client, 0), about, place(server, dport)) in mine
    assert len([one for one in mine if one[0] == protocol]) == 1


def test_a_mask_parts_networks(bed: Judged) -> None:
    """V20: the next network is another client, and of two servers it gets the other."""
    for virtual, clients in (
        (VIP, ("198.18.0.9", "198.18.1.9", "198.18.0.77")),
        (VIP6, ("2001:db8:6:1::9", "2001:db8:6:2::9", "2001:db8:6:1:f::")),
    ):
        first, second, again = (opened(bed, "tcp", one, 1200, virtual, 80).dst for one in clients)
        assert first == again != second


# --- timers ------------------------------------------------------------------------------------------


def test_a_template_lives_from_its_last_new_connection_on(bed: Judged) -> None:
    """V21: T = 2 s; a new connection starts it anew, another packet does not; none ends while one lives."""
    virtual = "198.51.100.11"
    alone, again, living = "10.0.0.4", "10.0.0.5", "10.0.0.6"
    server = opened(bed, "tcp", living, 1300, virtual, 53).dst

    def left() -> dict[str, float]:
        mine = [one for one in templates(bed) if one["virtual"] == f"{virtual}:53"]
        return {one["client"].removesuffix(":0"): one["expires"] for one in mine}

    start = renewed = time.monotonic()
    for client in (alone, again):
        opened(bed, "udp", client, 1300, virtual, 53)
    gone: dict[str, float] = {}
    while len(gone) < 2:
        found, now = left(), time.monotonic()
        gone |= {one: now for one in (alone, again) if one not in gone and one not in found}
        if renewed == start and found.get(again, 2.0) < 1.0:
            renewed = time.monotonic()
            opened(bed, "udp", again, 1301, virtual, 53)
        assert now < renewed + 12
        time.sleep(0.02)
    assert gone[alone] - start >= 2
    assert gone[again] - renewed >= 2
    assert renewed > start
    wait_for(lambda: left()[living] > 2)
    assert left()[living] > 45, "it controls a connection: it is looked at again in 60 s (C.2)"
    assert opened(bed, "tcp", living, 1302, virtual, 53).dst == server
    assert left()[living] <= 2


def test_a_template_is_assured_by_what_it_controls(bed: Judged) -> None:
    """C.3: TCP in ESTABLISHED, a UDP reply; a half-open connection is not enough."""
    opened(bed, "tcp", "10.0.0.7", 1400, VIP, 21)
    came = opened(bed, "udp", "10.0.0.7", 1400, VIP, 53)

    def states() -> dict[str, str]:
        mine = [one for one in templates(bed) if one["client"] == "10.0.0.7:0"]
        return {one["protocol"]: one["state"] for one in mine}

    assert states() == {"TCP": "NONE", "UDP": "NONE"}
    inwards(bed, [ip("10.0.0.7", VIP) / TCP(sport=1400, dport=21, flags="A")])
    outwards(bed, [ip(came.dst, "10.0.0.7") / UDP(sport=53, dport=1400) / b"y"])
    assert states() == {"TCP": "ASSURED", "UDP": "ASSURED"}


# --- a client port that is used again ------------------------------------------------------------------

PATHS: dict[str, tuple[str, str, str]] = {
    # service, packets that lead to the state, the modes in which a SYN is scheduled anew
    "established": ("198.51.100.20", "c S, c A", ""),
    "time wait": ("198.51.100.20", "c S, c FA", "12"),
    "close": ("198.51.100.20", "c S, c A, c R", "12"),
    "fin wait": ("198.51.100.20", "c S, c A, s FA", ""),
    "close wait": ("198.51.100.20", "c S, c A, c FA", ""),
    "time wait by dr": ("198.51.100.21", "c S, c FA", "12"),
    "close by dr": ("198.51.100.21", "c S, c A, c R", "12"),
    "fin wait by dr": ("198.51.100.21", "c S, c A, c FA", "2"),
    "established by dr": ("198.51.100.21", "c S, c A", ""),
    "time wait under a template": ("198.51.100.22", "c S, c FA", ""),
}


@pytest.mark.parametrize("mode", [0, 1, 2])
def test_a_port_that_is_used_again(bed: Judged, mode: int) -> None:
    """V19: a rescheduled flow begins anew (one packet so far), one that stays goes on counting."""
    bed.reload(text(f"conn_reuse_mode = {mode}"))
    wrong = {}
    for at, (name, (virtual, path, modes)) in enumerate(PATHS.items()):
        sport = 2000 + 20 * mode + at
        server = ""
        steps = path.split(", ")
        for side, flags in (step.split() for step in steps):
            if side == "c":
                server = inwards(bed, [_tcp(CLIENT, sport, virtual, flags)])[0].dst
            else:
                outwards(bed, [ip(server, CLIENT) / TCP(sport=8080, dport=sport, flags=flags)])
        inwards(bed, [_tcp(CLIENT, sport, virtual, "S")])
        packets = flows(bed)[place(CLIENT, sport)]["packets"]
        anew = 1 if str(mode) in modes else 1 + sum(step.startswith("c") for step in steps)
        if packets != anew:
            wrong[name] = (packets, anew)
    assert not wrong


def _tcp(client: str, sport: int, virtual: str, flags: str) -> Packet:
    return ip(client, virtual) / TCP(sport=sport, dport=80, flags=flags)


@pytest.mark.parametrize("mode", [0, 1])
def test_an_association_that_is_opened_again(bed: Judged, mode: int) -> None:
    """V19 for SCTP: CLOSED is scheduled anew by INIT, ESTABLISHED is not."""
    bed.reload(text(f"conn_reuse_mode = {mode}"))
    found = []
    for sport, ends in ((2200 + mode, True), (2210 + mode, False)):
        chunks: list[tuple[bool, Any]] = [
            (True, SCTPChunkInit()),
            (True, SCTPChunkCookieEcho()),
            (False, SCTPChunkCookieAck()),
        ]
        for inside, chunk in [
            *chunks,
            *([(True, SCTPChunkAbort())] if ends else []),
            (True, SCTPChunkInit()),
        ]:
            if inside:
                inwards(bed, [ip(CLIENT, "198.51.100.20") / SCTP(sport=sport, dport=80) / chunk])
            else:
                outwards(bed, [ip("172.16.0.6", CLIENT) / SCTP(sport=8080, dport=sport) / chunk])
        found.append(flows(bed)[place(CLIENT, sport)]["packets"])
    assert found == [1 if mode else 4, 3]


@pytest.mark.parametrize("mode", [0, 1])
def test_a_new_connection_leaves_a_resting_server(bed: Judged, mode: int) -> None:
    """V19, B.7: with expire_nodest_conn a SYN leaves a server of weight 0, whatever the state."""
    bed.reload(text(f"conn_reuse_mode = {mode}\nexpire_nodest_conn = 1"))
    sport = 2300 + mode
    (first, _again) = (
        one.dst for one in inwards(bed, [_tcp(CLIENT, sport, "198.51.100.23", one) for one in "SA"])
    )
    (name,) = (name for name, one in servers(bed, "idle").items() if one["address"] == place(first, 8080))
    assert bed.api("PATCH", f"pools/idle/servers/{name}", {"weight": 0})[0] == 200
    try:
        assert inwards(bed, [_tcp(CLIENT, sport, "198.51.100.23", "A")])[0].dst == first
        assert inwards(bed, [_tcp(CLIENT, sport, "198.51.100.23", "S")])[0].dst != first
    finally:
        assert bed.api("PATCH", f"pools/idle/servers/{name}", {"weight": 1})[0] == 200


def test_every_count_is_that_of_the_entries(bed: Judged) -> None:
    """V12, V13 after whatever came before: a server's counts are its templates and flows, and no more."""
    inwards(bed, [_tcp("10.0.0.8", 2400 + at, f"198.51.100.2{at}", "S") for at in (0, 2)])
    opened(bed, "udp", "10.0.0.8", 2400, VIP, 53)
    active = {"ESTABLISHED", "SYN_SENT", "SYN_RECV", "SYNACK"}

    def agree() -> bool:
        found: Counter[tuple[str, str]] = Counter()
        for one in connections(bed):
            sctp = one["protocol"] == "SCTP"
            busy = one["state"] in ({"ESTABLISHED"} if sctp else active)
            kind = "persistent" if one["template"] else "active" if busy else "inactive"
            found[one["target"].rpartition(":")[0].strip("[]"), kind] += 1
        shown: Counter[tuple[str, str]] = Counter()
        for pool in POOLS:
            for one in servers(bed, pool).values():
                host = one["address"].rpartition(":")[0].strip("[]")
                shown.update({(host, kind): one[kind] for kind in ("active", "inactive", "persistent")})
        return len(found) > 2 and found == +shown

    wait_for(agree)

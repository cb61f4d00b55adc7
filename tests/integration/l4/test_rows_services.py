"""Which service, which server, which packets: V2 to V7, V23, V24 (`lvs-semantics` B.2, B.3, C.3, F.2)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, TCP, UDP
from scapy.layers.sctp import SCTP, SCTPChunkInit
from scapy.packet import Packet

from tests.integration.l4.flows import connections, inwards, outwards, place, templates
from tests.integration.l4.packets import CLIENT, ip
from tests.integration.l4.texts import Service, ini
from tests.integration.l4.wire_judge import Judged, directed

POOLS = {
    **{
        name: (f"172.16.0.{host}:8080",)
        for name, host in (("two", 2), ("three", 3), ("four", 4), ("five", 5))
    },
    **{f"{name}6": (f"[fd00:16::{host}]:8080",) for name, host in (("two", 2), ("three", 3), ("four", 4))},
    "ftp": ("172.16.0.6:2121",),
    "ftp6": ("[fd00:16::6]:2121",),
    "round": ("172.16.0.2:8080", "172.16.0.3:8080", "172.16.0.4:8080"),
    "calls": ("172.16.0.2:5060", "172.16.0.3:5060"),
    "calls6": ("[fd00:16::2]:5060", "[fd00:16::3]:5060"),
    "marked6": ("[fd00:16::2]:8080", "[fd00:16::3]:8080"),
}
KEYS = (
    "mark.7 = tcp 198.51.100.20:80, tcp 198.51.100.10:81\n"
    "mark.8 = ip 198.51.100.30, ip 198.51.100.31\n"
    "mark.9 = tcp [2001:db8:100::20]:80, tcp [2001:db8:100::10]:81\n"
    "mark.10 = ip 2001:db8:100::30, ip 2001:db8:100::31"
)
STICKY = "persistent = 60s"
SERVICES = [
    ("tcp 198.51.100.10:80", "two", "nat", ""),
    ("tcp 198.51.100.10:81", "two", "nat", ""),
    ("fwmark 7", "three", "nat", ""),
    ("tcp 198.51.100.10:0", "four", "nat", STICKY),
    ("tcp 198.51.100.11:21", "ftp", "nat", STICKY),
    ("tcp 198.51.100.11:0", "four", "nat", STICKY),
    ("tcp 198.51.100.11:2000", "five", "nat", ""),
    ("fwmark 8", "round", "nat", STICKY),
    ("tcp [2001:db8:100::10]:80", "two6", "nat", ""),
    ("tcp [2001:db8:100::10]:81", "two6", "nat", ""),
    ("fwmark 9 inet6", "three6", "nat", ""),
    ("tcp [2001:db8:100::10]:0", "four6", "nat", STICKY),
    ("tcp [2001:db8:100::11]:21", "ftp6", "nat", STICKY),
    ("tcp [2001:db8:100::11]:0", "four6", "nat", STICKY),
    ("fwmark 10 inet6", "marked6", "nat", STICKY),
    ("udp 198.51.100.12:5060", "calls", "nat", f"{STICKY}\npe = sip"),
    ("udp [2001:db8:100::12]:5060", "calls6", "nat", f"{STICKY}\npe = sip"),
    ("udp 198.51.100.13:53", "round", "nat", "ops = yes"),
    ("udp 198.51.100.14:53", "round", "dr", f"ops = yes\n{STICKY}"),
    ("udp [2001:db8:100::13]:53", "marked6", "nat", "ops = yes"),
    ("tcp 198.51.100.15:80", "round", "nat", ""),
]


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    with directed(tmp_path_factory.mktemp("services"), ini(POOLS, SERVICES, KEYS)) as made:
        yield made


def opened(bed: Judged, to: str, port: int, sport: int, client: str = "") -> str:
    """Where a SYN goes: the server and its port."""
    source = client or CLIENT[6 if ":" in to else 4]
    (came,) = inwards(bed, [ip(source, to) / TCP(sport=sport, dport=port, flags="S")])
    return place(came.dst, came[TCP].dport)


@pytest.mark.parametrize(
    ("virtual", "servers"),
    [("198.51.100.{}", "172.16.0.{}:{}"), ("2001:db8:100::{}", "[fd00:16::{}]:{}")],
    ids=["ipv4", "ipv6"],
)
def test_services_are_looked_up_in_order(bed: Judged, virtual: str, servers: str) -> None:
    """V3, V4, V22: mark, exact address and port, FTP's other ports, port 0; and the port each server gets."""
    sport = 1000
    for host, port, server, dport in (
        (20, 80, 3, 8080),  # a mark alone
        (10, 81, 3, 8080),  # a mark goes before an exact service
        (10, 80, 2, 8080),  # an exact service goes before port 0
        (10, 82, 4, 82),  # port 0 takes the rest
        (11, 21, 6, 2121),  # FTP itself
        (11, 20, 6, 20),  # and its data, both ways: step 3 goes before step 4
        (11, 1024, 6, 1024),
        (11, 65535, 6, 65535),
        (11, 1023, 4, 1023),  # below the first unprivileged port it is port 0's
        (11, 22, 4, 22),
    ):
        sport += 1
        assert opened(bed, virtual.format(host), port, sport) == servers.format(server, dport)
    if ":" not in virtual:
        assert opened(bed, "198.51.100.11", 2000, 1100) == "172.16.0.5:8080", "exact goes before FTP"


def test_without_a_port_21_service_a_high_port_is_nobodys(bed: Judged) -> None:
    """V4: step 3 is for the address of the FTP service alone."""
    bed.client.put(ip(CLIENT[4], "198.51.100.15") / TCP(sport=1200, dport=40000, flags="S"))
    answer = bed.client.ip()
    assert (answer.src, str(answer[TCP].flags)) == ("198.51.100.15", "RA")
    assert not bed.server.frames(0.01)


@pytest.mark.parametrize(
    ("first", "second", "mark"),
    [("198.51.100.30", "198.51.100.31", "0.0.0.8:0"), ("2001:db8:100::30", "2001:db8:100::31", "[::a]:0")],
    ids=["ipv4", "ipv6"],
)
def test_addresses_of_one_mark_share_service_and_template(
    bed: Judged, first: str, second: str, mark: str
) -> None:
    """V2: any protocol, any port, one template whose address is the mark (C.3)."""
    six = ":" in first
    for client in ("fd00:10::4", "fd00:10::5") if six else ("10.0.0.4", "10.0.0.5"):
        came = inwards(bed, [
            ip(client, first) / TCP(sport=1300, dport=80, flags="S"),
            ip(client, second) / TCP(sport=1300, dport=443, flags="S"),
            ip(client, second) / UDP(sport=1300, dport=53) / b"x",
            ip(client, first) / SCTP(sport=1300, dport=2905) / SCTPChunkInit(),
        ])  # fmt: skip
        assert len({one.dst for one in came}) == 1
        mine = [one for one in templates(bed) if one["client"] == place(client, 0)]
        assert [(one["protocol"], one["virtual"], one["target"]) for one in mine] == [
            ("IP", mark, place(came[0].dst, 0))
        ]
        assert len({one["service"] for one in connections(bed) if client in one["client"]}) == 1


def test_rounds_go_in_the_order_of_the_file(bed: Judged) -> None:
    """V7: IPVS walks the newest first; here the list is the file's, as the manual says."""
    chosen = [opened(bed, "198.51.100.15", 80, 1400 + number) for number in range(6)]
    assert chosen == [f"172.16.0.{host}:8080" for host in (2, 3, 4)] * 2
    manual = (Path(__file__).parents[3] / "docs/layer4.md").read_text()
    assert "Servers are asked in the order of the file. IPVS keeps them in the opposite order" in manual


REFUSED: dict[str, tuple[dict[str, tuple[str, ...]], list[Service], str]] = {
    "EEXIST of a service": (POOLS, [*SERVICES, SERVICES[0]], "already exists as [l4:v0]"),
    "ENOENT of a scheduler": (
        POOLS,
        [("tcp 1.2.3.4:80", "two", "nat", "scheduler = x")],
        "unknown scheduler x",
    ),
    "ENOENT of an engine": (POOLS, [("udp 1.2.3.4:80", "two", "nat", f"{STICKY}\npe = x")], "none of: sip"),
    "ESRCH of a pool": (POOLS, [("tcp 1.2.3.4:80", "none", "nat", "")], "there is no pool none"),
    "port 0, not persistent": (POOLS, [("tcp 1.2.3.4:0", "two", "nat", "")], "must be persistent"),
    "another family": (POOLS, [("tcp 1.2.3.4:80", "two6", "nat", "")], "IPv6 address, the service IPv4"),
    "a prefix of 129": (POOLS, [("tcp [::9]:80", "two6", "nat", f"{STICKY}\nnetmask = 129")], "out of range"),
    "weight -1": (
        {"p": ("10.0.0.1:80 weight=-1",)},
        [("tcp 1.2.3.4:80", "p", "nat", "")],
        "not a whole number",
    ),
    "y over x": (
        {"p": ("10.0.0.1:80 max=3 min=4",)},
        [("tcp 1.2.3.4:80", "p", "nat", "")],
        "larger than max",
    ),
    "y without x": ({"p": ("10.0.0.1:80 min=4",)}, [("tcp 1.2.3.4:80", "p", "nat", "")], "larger than max"),
    "multicast": ({"p": ("224.0.0.9:80",)}, [("tcp 1.2.3.4:80", "p", "nat", "")], "no single host"),
    "multicast, IPv6": ({"p": ("[ff0e::9]:80",)}, [("tcp [::9]:80", "p", "nat", "")], "no single host"),
    "a link's own": ({"p": ("[fe80::9]:80",)}, [("tcp [::9]:80", "p", "nat", "")], "no single host"),
    "GUE without port": ({"p": ("10.0.0.1:80 tunnel=gue:0",)}, [("tcp 1.2.3.4:80", "p", "tun", "")], "range"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_ipvs_refuses_is_refused(bed: Judged, case: str) -> None:
    """V5, V6: the file is refused with a place and a reason, and the running services go on."""
    pools, services, why = REFUSED[case]
    before = bed.api("GET", "generations")
    good = bed.ini.read_text()
    try:
        bed.write(ini(pools, services, KEYS))
        status, answer = bed.api("POST", "config/reload", {})
    finally:
        bed.write(good)
    assert status == 409
    assert why in str(answer)
    assert "director.ini:" in str(answer)
    assert "Problem(" not in str(answer)
    assert bed.api("GET", "generations") == before
    assert opened(bed, "198.51.100.10", 80, 1500 + list(REFUSED).index(case)) == "172.16.0.2:8080"


@pytest.mark.parametrize(
    ("path", "order", "status", "why"),
    [
        ("pools/nowhere/servers/a", {"weight": 1}, 404, "nowhere"),
        ("pools/two/servers/z", {"weight": 1}, 404, "z"),
        ("pools/two/servers/a", {"weight": -1}, 400, "weight"),
        ("pools/two/servers/a", {"max": 3, "min": 4}, 400, "min=4 is larger than max=3"),
        ("pools/two/servers/a", {"min": 4}, 400, "min=4 is larger than max=0"),
    ],
)
def test_orders_that_ipvs_refuses_are_refused(
    bed: Judged, path: str, order: dict[str, int], status: int, why: str
) -> None:
    """V5, V6 by the API: ESRCH, ENOENT, ERANGE."""
    found, answer = bed.api("PATCH", path, order)
    assert found == status, answer
    assert why in str(answer)


@pytest.mark.parametrize(
    ("virtual", "client"),
    [("198.51.100.12", "10.0.0.{}"), ("2001:db8:100::12", "fd00:10::{}")],
    ids=["ipv4", "ipv6"],
)
def test_sip_goes_by_call_id(bed: Judged, virtual: str, client: str) -> None:
    """V23: whoever sends it and however it is written; no Call-ID, no server; a server's own request too."""

    def invite(host: int, head: bytes) -> Packet:
        packet = ip(client.format(host), virtual) / UDP(sport=5060 + host, dport=5060)
        return packet / (b"INVITE sip:a@b SIP/2.0\r\n" + head)

    def chosen(head: bytes, *hosts: int) -> str:
        (server,) = {one.dst for one in inwards(bed, [invite(host, head) for host in hosts])}
        return str(server)

    first = chosen(b"Call-ID: one@x\r\n", 2, 3, 4)
    assert chosen(b"CALL-ID:one@x\n", 5) == chosen(b"i: one@x\r\n", 6) == first
    assert chosen(b"Call-ID: two@x\r\n", 7) != first
    chosen(b"Call-ID: " + b"x" * 255 + b"\r\n", 8)
    assert sum(one["virtual"] == place(virtual, 5060) for one in templates(bed)) == 3
    for head in (b"Subject: a\r\n", b"Call-ID: \r\n", b"Call-ID: cut", b"Call-ID: " + b"x" * 256 + b"\r\n"):
        bed.client.put(invite(9, head))
    assert not bed.server.frames()
    assert not bed.client.frames(0.01)
    away = client.format(9)
    asked = ip(first, away) / UDP(sport=5060, dport=5099) / b"BYE a SIP/2.0\r\nCall-ID: one@x\r\n"
    (said,) = outwards(bed, [asked])
    assert (said.src, said[UDP].sport, said.dst, said[UDP].dport) == (virtual, 5060, away, 5099)
    (answer,) = inwards(bed, [ip(away, virtual) / UDP(sport=5099, dport=5060) / b"SIP/2.0 200 OK\r\n"])
    assert answer.dst == first


@pytest.mark.parametrize("virtual", ["198.51.100.13", "2001:db8:100::13"], ids=["ipv4", "ipv6"])
def test_one_packet_scheduling_leaves_no_entry(bed: Judged, virtual: str) -> None:
    """V24: each packet anew in turn, nothing in the table, nothing counted as load; answers are rewritten."""
    client = CLIENT[6 if ":" in virtual else 4]
    count = len(POOLS["marked6" if ":" in virtual else "round"])
    before = len(connections(bed))
    came = inwards(bed, [ip(client, virtual) / UDP(sport=1600, dport=53) / b"x" for _ in range(2 * count)])
    chosen = [one.dst for one in came]
    assert len(set(chosen)) == count
    assert chosen[:count] == chosen[count:]
    assert len(connections(bed)) == before
    name = next(f"v{at}" for at, one in enumerate(SERVICES) if virtual in one[0])
    assert bed.service(name)["traffic"]["conns"] == 2 * count


def test_one_packet_scheduling_of_a_persistent_service(bed: Judged) -> None:
    """V24, V13: the template is an entry, its packets are not."""
    came = inwards(bed, [ip(CLIENT[4], "198.51.100.14") / UDP(sport=1700, dport=53) / b"x" for _ in range(3)])
    assert len({one.dst for one in came}) == 1
    mine = [one for one in connections(bed) if "198.51.100.14" in one["virtual"]]
    assert [one["template"] for one in mine] == [True]
    assert ICMP not in came[0]

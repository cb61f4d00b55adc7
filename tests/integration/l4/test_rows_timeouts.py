"""Flows that nobody uses end in their time, by the clock: V27, V28 (`lvs-semantics` C.1, D.1, D.4)."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.sctp import SCTP, SCTPChunkAbort, SCTPChunkInit
from scapy.packet import Packet

from tests.integration.l4.bed import wait_for
from tests.integration.l4.flows import counts, flows, inwards, outwards
from tests.integration.l4.texts import ini
from tests.integration.l4.wire_judge import Judged, directed

CLIENT, VIP, SERVER = "10.0.0.2", "198.51.100.10", "172.16.0.2"
LATE = 10.0
"""Seconds after its time within which a flow must be gone, however busy the machine."""


def text(**timeouts: str) -> str:
    services = [(f"{kind} {VIP}:80", "web", "nat", "") for kind in ("tcp", "udp", "sctp")]
    keys = "".join(f"timeout.{name} = {value}\n" for name, value in timeouts.items())
    return ini({"web": (f"{SERVER}:80",)}, services, f"schedule_icmp = 1\nconn_reuse_mode = 0\n{keys}")


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    with directed(tmp_path_factory.mktemp("timeouts"), text()) as made:
        yield made


def client(layer: Packet) -> Packet:
    return IP(src=CLIENT, dst=VIP) / layer


def server(layer: Packet) -> Packet:
    return IP(src=SERVER, dst=CLIENT) / layer


def tcp(port: int, flags: str) -> Packet:
    return client(TCP(sport=port, dport=80, flags=flags))


def established(bed: Judged, *ports: int) -> None:
    inwards(bed, [tcp(port, flags) for port in ports for flags in ("S", "A")])


def left(bed: Judged, port: int) -> tuple[str, float] | None:
    """State and seconds left of a flow, None when there is none."""
    row = flows(bed).get(f"{CLIENT}:{port}")
    return (row["state"], row["expires"]) if row else None


@pytest.fixture(scope="module")
def closed(bed: Judged) -> float:
    """When the flow of port 100 went to CLOSE, or a little earlier."""
    established(bed, 100)
    start = time.monotonic()
    inwards(bed, [tcp(100, "R")])
    assert left(bed, 100) is not None
    return start


@pytest.mark.usefixtures("closed")
def test_the_shortest_states_end_by_the_clock(bed: Judged) -> None:
    """V27: SCTP INIT1 and REJECTED 4 s, NONE 3 s; not sooner, and their claims on the server go with them."""
    inner = IP(src=VIP, dst=CLIENT) / TCP(sport=80, dport=104, flags="A")
    start = time.monotonic()
    inwards(bed, [client(SCTP(sport=port, dport=80) / SCTPChunkInit()) for port in (102, 103)])
    outwards(bed, [server(SCTP(sport=80, dport=103) / SCTPChunkAbort())])
    inwards(bed, [IP(src="10.0.0.8", dst=VIP) / ICMP(type=3, code=1) / inner])
    assert [(left(bed, port) or ("",))[0] for port in (102, 103, 104)] == ["INIT1", "REJECTED", "NONE"]
    ended = watched(bed, 102, 103, 104)
    assert all(ended[port] - start >= seconds for port, seconds in ((102, 4), (103, 4), (104, 3)))
    wait_for(lambda: counts(bed, "web", "a")[1] <= 1)


def watched(bed: Judged, *ports: int, keep: Packet | None = None) -> dict[int, float]:
    """When each flow was gone, or a little later; `keep` is sent meanwhile."""
    start = time.monotonic()
    gone: dict[int, float] = {}
    while len(gone) < len(ports):
        if keep is not None:
            inwards(bed, [keep])
        rows = flows(bed)
        now = time.monotonic()
        gone |= {port: now for port in ports if port not in gone and f"{CLIENT}:{port}" not in rows}
        assert now < start + 4 + LATE
        time.sleep(0.02)
    return gone


def test_three_timeouts_can_be_set(bed: Judged) -> None:
    """V28, V27: each alone, those not named keep theirs; a flow has the new one from its next packet on."""
    defaults = {"tcp": 900.0, "tcpfin": 120.0, "udp": 300.0}
    ports = {"tcp": 201, "tcpfin": 202, "udp": 203}
    established(bed, 201, 202, 204)
    outwards(bed, [server(TCP(sport=80, dport=202, flags="FA"))])
    inwards(bed, [client(UDP(sport=203, dport=80) / b"x")])
    for name in defaults:
        bed.reload(text(**{name: "40s"}))
        old = left(bed, 204)
        assert old is not None
        assert old[1] > 800, "nothing came, so nothing changed"
        start = time.monotonic()
        inwards(bed, [tcp(201, "A"), tcp(202, "A"), client(UDP(sport=203, dport=80) / b"x")])
        rows = flows(bed)
        passed = time.monotonic() - start
        for other, port in ports.items():
            seconds = 40.0 if other == name else defaults[other]
            assert seconds - passed - 0.1 <= rows[f"{CLIENT}:{port}"]["expires"] <= seconds, (name, other)


def test_short_timeouts_are_kept(bed: Judged) -> None:
    """V27, V28: ESTABLISHED, FIN_WAIT and UDP end after a second; packets in time keep a flow."""
    bed.reload(text(tcp="1s", tcpfin="1s", udp="1s"))
    start = time.monotonic()
    established(bed, 301, 302)
    outwards(bed, [server(TCP(sport=80, dport=302, flags="FA"))])
    inwards(bed, [client(UDP(sport=303, dport=80) / b"x")])
    ended = watched(bed, 301, 302, 303, keep=tcp(304, "S"))
    assert all(at - start >= 1 for at in ended.values())
    found = left(bed, 304)
    assert found is not None
    assert found[0] == "SYN_RECV"
    assert found[1] > 60 - 4 - LATE


def test_close_ends_after_ten_seconds(bed: Judged, closed: float) -> None:
    """V27."""
    while (found := left(bed, 100)) is not None:
        assert found[0] == "CLOSE"
        assert time.monotonic() < closed + 10 + LATE
        time.sleep(0.05)
    assert time.monotonic() - closed >= 10

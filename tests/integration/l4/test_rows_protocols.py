"""UDP, SCTP, ESP, AH, and services that come and go: V1, V29, V30 (`lvs-semantics` D.3 to D.5)."""

from __future__ import annotations

import functools
import operator
import time
from collections.abc import Iterator
from typing import Any

import pytest
from scapy.layers.inet import ICMP, TCP, UDP
from scapy.layers.inet6 import ICMPv6ParamProblem
from scapy.layers.sctp import (
    SCTP,
    SCTPChunkAbort,
    SCTPChunkCookieAck,
    SCTPChunkCookieEcho,
    SCTPChunkData,
    SCTPChunkInit,
    SCTPChunkInitAck,
    SCTPChunkShutdown,
    SCTPChunkShutdownAck,
    SCTPChunkShutdownComplete,
)
from scapy.packet import Packet, Raw

from tests.integration.l4.flows import counts, flows, inwards, outwards, place
from tests.integration.l4.packets import CLIENT, FAMILIES, SERVER, ip
from tests.integration.l4.texts import ini
from tests.integration.l4.wire_judge import Judged, directed

STRANGER = {4: "10.0.0.3", 6: "fd00:10::3"}
NAT = {4: "198.51.100.10", 6: "2001:db8:100::10"}
DR = {4: "198.51.100.11", 6: "2001:db8:100::11"}
PORTS = {"tcp": 80, "udp": 53, "sctp": 2905, "isakmp": 500}
KINDS = ("tcp", "udp", "sctp")


def text(kinds: tuple[str, ...] = KINDS, keys: str = "") -> str:
    pools = {
        f"{kind}{family}": (place(SERVER[family], port),)
        for kind, port in PORTS.items()
        for family in FAMILIES
    }
    services = [
        (f"{kind} {place(host[family], PORTS[kind])}", f"{kind}{family}", forward, "")
        for kind in kinds
        for family in FAMILIES
        for forward, host in (("nat", NAT), ("dr", DR))
    ]
    services += [
        (f"udp {place(host[family], 500)}", f"isakmp{family}", forward, "")
        for family in FAMILIES
        for forward, host in (("nat", NAT), ("dr", DR))
    ]
    return ini(pools, services, keys)


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    with directed(tmp_path_factory.mktemp("protocols"), text()) as made:
        yield made


def first(kind: str, family: int, sport: int, host: dict[int, str]) -> Packet:
    layer = {
        "tcp": TCP(sport=sport, dport=80, flags="S"),
        "udp": UDP(sport=sport, dport=53) / Raw(b"x"),
        "sctp": SCTP(sport=sport, dport=2905) / SCTPChunkInit(init_tag=1),
    }[kind]
    return ip(CLIENT[family], host[family]) / layer


def test_each_kind_can_be_added_listed_and_deleted(bed: Judged) -> None:
    """V1: by reload, one kind after the other; the API lists it, packets show it."""
    asked = [(kind, family, host) for kind in KINDS for family in FAMILIES for host in (NAT, DR)]
    for kinds in (("tcp",), ("tcp", "udp"), ("udp", "sctp"), KINDS):
        bed.reload(text(kinds))
        listed = {one["listen"][0] for one in bed.api("GET", "services")[1]}
        for number, (kind, family, host) in enumerate(asked):
            name = f"{kind} {place(host[family], PORTS[kind])}"
            assert (name in listed) is (kind in kinds)
            if kind in kinds:
                inwards(bed, [first(kind, family, 1000 + number, host)])
            else:
                bed.client.put(first(kind, family, 3000 + number, host))
        assert not bed.server.frames()
    shown = bed.ctl("show", "services")
    assert all(f" {kind} " in shown for kind in KINDS)


def test_udp_has_one_state(bed: Judged) -> None:
    """V29, V12: UDP, 300 s, always inactive; a reply changes nothing of it (D.3)."""
    before = {family: counts(bed, f"udp{family}", "a") for family in FAMILIES}
    for family in FAMILIES:
        start = time.monotonic()
        for host in (NAT, DR):
            inwards(bed, [first("udp", family, 1100, host)])
        reply = ip(SERVER[family], CLIENT[family]) / UDP(sport=53, dport=1100) / Raw(b"y")
        for turn in (1, 2):
            rows = [one for one in bed.api("GET", "connections?limit=1000")[1] if ":1100" in one["client"]]
            mine = [one for one in rows if one["client"] == place(CLIENT[family], 1100)]
            passed = time.monotonic() - start
            assert [one["state"] for one in mine] == ["UDP", "UDP"]
            assert all(300 - passed - 0.1 <= one["expires"] <= 300 for one in mine)
            active, inactive, _persistent = counts(bed, f"udp{family}", "a")
            assert (active, inactive) == (0, before[family][1] + 2)
            if turn == 1:
                assert outwards(bed, [reply])[0].src == NAT[family]


CHUNKS: dict[str, Any] = {
    "INIT": SCTPChunkInit, "INIT-ACK": SCTPChunkInitAck, "COOKIE-ECHO": SCTPChunkCookieEcho,
    "COOKIE-ACK": SCTPChunkCookieAck, "SHUTDOWN": SCTPChunkShutdown, "SHUTDOWN-ACK": SCTPChunkShutdownAck,
    "SHUTDOWN-COMPLETE": SCTPChunkShutdownComplete, "ABORT": SCTPChunkAbort, "DATA": SCTPChunkData,
}  # fmt: skip
SCTP_SECONDS = {"INIT1": 4, "ESTABLISHED": 900, "REJECTED": 4}
"""Part D.4; 61 for all others."""
OPENING = ("c INIT INIT1", "s INIT-ACK C-SENT", "c COOKIE-ECHO C-REPLIED", "s COOKIE-ACK ESTABLISHED")
NAT_PATHS = {
    "the client shuts down": (
        *OPENING, "c DATA ESTABLISHED", "s DATA ESTABLISHED", "c SHUTDOWN S-RECEIVED",
        "s SHUTDOWN-ACK S-ACK-SENT", "c SHUTDOWN-COMPLETE CLOSED",
    ),
    "the server shuts down": (*OPENING, "s SHUTDOWN S-SENT", "c SHUTDOWN-ACK CLOSED"),
    "both shut down": (*OPENING, "s SHUTDOWN S-SENT", "s SHUTDOWN-ACK S-ACK-SENT", "c SHUTDOWN-ACK CLOSED"),
    "the client aborts": (*OPENING, "c ABORT CLOSED"),
    "the server rejects": ("c INIT INIT1", "s ABORT REJECTED"),
    "an INIT comes twice": ("c INIT INIT1", "c INIT INIT", "s INIT-ACK C-SENT"),
    "a cookie with an abort": ("c INIT INIT1", "s INIT-ACK C-SENT", "c COOKIE-ECHO+ABORT CLOSED"),
}  # fmt: skip
DR_PATHS = {
    "input alone": ("c INIT INIT1", "c COOKIE-ECHO ESTABLISHED", "c DATA ESTABLISHED", "c ABORT CLOSED"),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("host", "paths"), [(NAT, NAT_PATHS), (DR, DR_PATHS)], ids=["nat", "dr"])
def test_sctp_goes_its_main_path(
    bed: Judged, family: int, host: dict[int, str], paths: dict[str, tuple[str, ...]]
) -> None:
    """V29, V27, V12: each step of D.4 with its seconds; only ESTABLISHED is active (B.6)."""
    pool = f"sctp{family}"
    for number, (name, steps) in enumerate(paths.items()):
        port = 1200 + number + (100 if host is DR else 0)
        active = counts(bed, pool, "a")[0]
        for step in steps:
            side, chunks, state = step.split()
            start = time.monotonic()
            _said(bed, family, host, port, side, chunks)
            row = flows(bed)[place(CLIENT[family], port)]
            seconds = SCTP_SECONDS.get(state, 61)
            assert row["state"] == state, (name, step)
            assert seconds - (time.monotonic() - start) - 0.1 <= row["expires"] <= seconds, (name, step)
            assert counts(bed, pool, "a")[0] == active + (state == "ESTABLISHED")


def _said(bed: Judged, family: int, host: dict[int, str], port: int, side: str, chunks: str) -> None:
    body = functools.reduce(operator.truediv, [CHUNKS[name]() for name in chunks.split("+")])
    if side == "c":
        inwards(bed, [ip(CLIENT[family], host[family]) / SCTP(sport=port, dport=2905, tag=1) / body])
    else:
        outwards(bed, [ip(SERVER[family], CLIENT[family]) / SCTP(sport=2905, dport=port, tag=1) / body])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("protocol", [50, 51], ids=["esp", "ah"])
@pytest.mark.parametrize("host", [NAT, DR], ids=["nat", "dr"])
def test_esp_and_ah_follow_isakmp(bed: Judged, family: int, protocol: int, host: dict[int, str]) -> None:
    """V30: by the ISAKMP flow's method, payload untouched, and nobody else says anything (D.5)."""
    field = {"nh" if family == 6 else "proto": protocol}
    client, server = CLIENT[family], SERVER[family]
    body = Raw(bytes(range(4, 84)))
    assert inwards(bed, [ip(client, host[family]) / UDP(sport=500, dport=500) / b"ike"])[0].dst == (
        server if host is NAT else host[family]
    )
    before = flows(bed)[place(client, 500)]
    (came,) = inwards(bed, [ip(client, host[family], **field) / body])
    assert (came.src, came.dst) == (client, server if host is NAT else host[family])
    assert bytes(came)[-80:] == bytes(body)
    after = flows(bed)[place(client, 500)]
    assert (after["state"], after["packets"]) == ("UDP", before["packets"] + 1)
    if host is NAT:
        (back,) = outwards(bed, [ip(server, client, **field) / body])
        assert (back.src, bytes(back)[-80:]) == (NAT[family], bytes(body))
    assert not bed.client.frames()
    assert not bed.server.frames(0.01)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("protocol", [50, 51], ids=["esp", "ah"])
def test_esp_and_ah_without_isakmp_stay_untouched(bed: Judged, family: int, protocol: int) -> None:
    """V30: a client without a flow gets the host's own answer; a server's packet is the host's to route."""
    field = {"nh" if family == 6 else "proto": protocol}
    bed.client.put(ip(STRANGER[family], NAT[family], **field) / Raw(bytes(80)))
    answer = bed.client.ip()
    assert answer.src == NAT[family]
    if family == 4:
        assert (answer[ICMP].type, answer[ICMP].code) == (3, 2)
    else:
        assert answer.haslayer(ICMPv6ParamProblem)
    (routed,) = outwards(bed, [ip(SERVER[family], STRANGER[family], **field) / Raw(bytes(80))])
    assert (routed.src, routed.dst) == (SERVER[family], STRANGER[family])
    assert not bed.server.frames()


def test_fragments_of_esp_are_not_collected(bed: Judged) -> None:
    """V30, D.5: each goes on as it came."""
    client = "10.0.0.4"
    inwards(bed, [ip(client, NAT[4]) / UDP(sport=500, dport=500) / b"ike"])
    pieces = [
        ip(client, NAT[4], proto=50, id=7, flags="MF") / Raw(b"a" * 80),
        ip(client, NAT[4], proto=50, id=7, frag=10) / Raw(b"b" * 80),
    ]
    for piece in reversed(pieces):
        (came,) = inwards(bed, [piece])
        assert (came.dst, came.frag, str(came.flags)) == (SERVER[4], piece.frag, str(piece.flags))
        assert bytes(came)[20:] == bytes(piece)[20:]
    assert not bed.client.frames()

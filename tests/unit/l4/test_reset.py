"""What is said to the ends of a connection that is no more, against RFC 9293, 5961 and 9260."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6DestUnreach, IPv6
from scapy.layers.l2 import Ether
from scapy.layers.sctp import SCTP, SCTPChunkAbort, SCTPChunkData
from scapy.packet import Raw

from director.l4.flows import Flow
from director.l4.icmp import Icmp
from director.l4.output import Output
from director.l4.reset import Reset, as_reset
from director.l4.verdicts import Drop
from director.l4.wire.parse import parse
from tests.support.layer4_world import (
    CLIENT,
    CLIENT6,
    CLIENT_MAC,
    OUTER_MAC,
    VIP,
    VIP6,
    ip,
    packed,
    right,
    routing,
    sent,
)


def reset() -> Reset:
    output = Output(routing(), Counter())
    return Reset(output, Icmp(output, 1000))


def answer(layers: Any) -> Any:
    packet = parse(bytearray(bytes(Ether(src=CLIENT_MAC, dst=OUTER_MAC) / layers)))
    return reset().answer(packet, 1.0)


@pytest.mark.parametrize(("client", "virtual"), [(CLIENT, VIP), (CLIENT6, VIP6)])
def test_an_acknowledgement_gets_a_rst_in_its_sequence(client: str, virtual: str) -> None:
    """RFC 9293, 3.10.7.1: <SEQ=SEG.ACK><CTL=RST>."""
    got = sent(
        answer(ip(client, virtual) / TCP(sport=1000, dport=80, flags="PA", seq=7, ack=4711) / Raw(b"x"))
    )
    assert right(got)
    assert (got[1].src, got[1].dst, got.dst) == (virtual, client, "02:00:00:00:00:0c")
    assert (got[TCP].sport, got[TCP].dport, got[TCP].flags, got[TCP].seq) == (80, 1000, "R", 4711)


@pytest.mark.parametrize(("flags", "length"), [("", 3), ("F", 4), ("S", 4)])
def test_what_acknowledges_nothing_is_acknowledged(flags: str, length: int) -> None:
    """RFC 9293, 3.10.7.1: <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>; SYN and FIN count as one each."""
    got = sent(answer(IP(src=CLIENT, dst=VIP) / TCP(sport=1, dport=80, flags=flags, seq=0xFFFFFFFF) / b"abc"))
    assert (got[TCP].flags, got[TCP].seq, got[TCP].ack) == ("RA", 0, length - 1)


def test_no_answer_to_a_rst_nor_to_an_abort() -> None:
    assert answer(IP(src=CLIENT, dst=VIP) / TCP(flags="R")) == Drop("server_down")
    assert answer(IP(src=CLIENT, dst=VIP) / SCTP() / SCTPChunkAbort()) == Drop("server_down")


def test_an_association_is_aborted_with_its_own_tag() -> None:
    """RFC 9260, 8.4, 8): the verification tag of the packet, and the T bit."""
    got = sent(
        answer(IP(src=CLIENT, dst=VIP) / SCTP(sport=9, dport=80, tag=0xCAFE) / SCTPChunkData(data=b"x"))
    )
    assert (got[SCTP].sport, got[SCTP].dport, got[SCTP].tag) == (80, 9, 0xCAFE)
    assert got[SCTPChunkAbort].TCB == 1
    assert right(got)


def test_a_datagram_gets_a_port_unreachable() -> None:
    got = sent(answer(IP(src=CLIENT, dst=VIP) / UDP(sport=1, dport=53) / b"question"))
    assert (got[ICMP].type, got[ICMP].code) == (3, 3)


def flow(protocol: int, client: str, virtual: str) -> Flow:
    return Flow(protocol, packed(client), 1000, packed(virtual), 80, 1.0)


@pytest.mark.parametrize(("client", "virtual"), [(CLIENT, VIP), (CLIENT6, VIP6)])
def test_a_silent_client_is_asked_by_a_syn(client: str, virtual: str) -> None:
    """RFC 5961, 4.2: in a synchronised state it is answered whatever its number is."""
    got = sent(reset().probe(flow(6, client, virtual), 99, 1.0))  # type: ignore[arg-type]
    assert right(got)
    assert (got[1].src, got[1].dst) == (virtual, client)
    assert (got[TCP].sport, got[TCP].dport, got[TCP].flags, got[TCP].seq) == (80, 1000, "S", 99)


@pytest.mark.parametrize(
    ("client", "virtual", "error"), [(CLIENT, VIP, ICMP), (CLIENT6, VIP6, ICMPv6DestUnreach)]
)
def test_a_silent_client_of_udp_is_told(client: str, virtual: str, error: Any) -> None:
    """RFC 1122, 3.2.2.1; RFC 4443, 3.1: port unreachable, about a datagram of its own."""
    got = sent(reset().probe(flow(17, client, virtual), 0, 1.0))  # type: ignore[arg-type]
    assert (got[error].type, got[error].code) == ((3, 3) if error is ICMP else (1, 4))
    quote = (IP if error is ICMP else IPv6)(bytes(got[error].payload))
    assert (quote.src, quote.dst, quote[UDP].sport, quote[UDP].dport) == (client, virtual, 1000, 80)


def test_nothing_can_be_said_to_a_silent_end_of_an_association() -> None:
    assert reset().probe(flow(132, CLIENT, VIP), 0, 1.0) is None


@pytest.mark.parametrize(("client", "virtual"), [(CLIENT, VIP), (CLIENT6, VIP6)])
@pytest.mark.parametrize(("flags", "made"), [("PA", "RA"), ("SA", "RA"), ("P", "R")])
def test_a_segment_becomes_a_rst_of_its_sender(client: str, virtual: str, flags: str, made: str) -> None:
    """RFC 5961, 3.2: it counts with the number that its receiver expects, which is the segment's own."""
    layers = ip(client, virtual, ttl=9) / TCP(sport=1, dport=80, flags=flags, seq=7, ack=4711) / Raw(b"data")
    packet = as_reset(parse(bytearray(bytes(Ether(src=CLIENT_MAC, dst=OUTER_MAC) / layers))))
    got = Ether(bytes(packet.frame))
    assert right(got)
    assert (packet.source, packet.destination, packet.ttl) == (packed(client), packed(virtual), 9)
    assert (got[TCP].sport, got[TCP].dport, str(got[TCP].flags)) == (1, 80, made)
    assert (got[TCP].seq, got[TCP].ack, len(got[TCP].payload)) == (7, 4711, 0)

"""Answers to datagrams that left no entry: expected for a while, bounded, several to one."""

from __future__ import annotations

from collections import Counter

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6

from director.l4 import one_packet
from director.l4.flows import Flow, key
from director.l4.one_packet import MOST, SECONDS, OnePacketAnswers
from director.l4.verdicts import Transmit
from director.model.pools import Forward
from tests.support.layer4_world import (
    CLIENT,
    CLIENT6,
    SERVERS,
    SERVERS6,
    VIP,
    VIP6,
    World,
    ip,
    packed,
    right,
    sent,
)


@pytest.mark.parametrize(
    ("family", "client", "virtual", "servers"), [(4, CLIENT, VIP, SERVERS), (6, CLIENT6, VIP6, SERVERS6)]
)
def test_the_answer_comes_from_the_address_that_was_asked(
    family: int, client: str, virtual: str, servers: list[str]
) -> None:
    """V24 with NAT: each server's answer, and none of them an entry."""
    world = World(protocol="udp", servers=2, ops=True, family=family)
    for number in range(2):
        world.client(ip(client, virtual) / UDP(sport=53001, dport=80) / b"question")
        answer = ip(servers[number], client) / UDP(sport=8080, dport=53001) / b"answer"
        for _ in range(2):
            got = sent(world.server(answer, number))
            assert right(got)
            layer = got[IPv6 if family == 6 else IP]
            assert (layer.src, layer.dst, got[UDP].sport, got[UDP].dport) == (virtual, client, 80, 53001)
    assert len(world.table) == 0
    assert world.real().stats.traffic.outpkts == 2


def test_an_answer_that_comes_too_late_is_nobodys() -> None:
    world = World(protocol="udp", ops=True)
    world.client(IP(src=CLIENT, dst=VIP) / UDP(sport=53001, dport=80))
    world.wait(SECONDS + 1)
    verdict = world.server(IP(src=SERVERS[0], dst=CLIENT) / UDP(sport=8080, dport=53001))
    assert not isinstance(verdict, Transmit)
    assert len(world.forwarder._answers) == 0


def test_servers_that_answer_by_themselves_are_not_waited_for() -> None:
    world = World(Forward.DR, protocol="udp", ops=True)
    world.client(IP(src=CLIENT, dst=VIP) / UDP(sport=53001, dport=80))
    assert len(world.forwarder._answers) == 0


def flow(number: int, now: float) -> Flow:
    made = Flow(17, packed(CLIENT), number, packed(VIP), 53, now)
    made.target, made.dport = packed(SERVERS[0]), 8080
    return made


def wanted(number: int) -> bytes:
    return key(packed(SERVERS[0]), packed(CLIENT), 8080, number)


def test_the_oldest_is_forgotten_first_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST >= 1024
    monkeypatch.setattr(one_packet, "MOST", 3)
    counters: Counter[str] = Counter()
    answers = OnePacketAnswers(counters)
    for number in (1, 2, 3):
        answers.remember(flow(number, 0.0))
    answers.remember(flow(1, 1.0))
    answers.remember(flow(4, 1.0))
    assert [number for number in range(1, 5) if answers.find(17, wanted(number), 1.0)] == [1, 3, 4]
    assert counters == {"one_packet_answers_forgotten": 1}
    answers.expire(SECONDS + 0.5)
    assert len(answers) == 2

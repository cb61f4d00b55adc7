"""What servers send; the rewriting itself is in the rows."""

from __future__ import annotations

from scapy.layers.inet import IP, TCP, UDP

from director.l4.verdicts import Deliver
from director.model.pools import Forward
from director.registry.changes import ServerRemoved
from tests.support.layer4_world import CLIENT, SERVERS, VIP, World, sent


def test_answers_of_a_removed_server_still_reach_the_client_uncounted() -> None:
    world = World()
    world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1000, dport=80, flags="S"))
    server = world.real()
    world.apply(ServerRemoved("p", "r0"))
    frame = sent(world.server(IP(src=SERVERS[0], dst=CLIENT) / TCP(sport=8080, dport=1000, flags="SA")))
    assert frame[IP].src == VIP
    assert server.stats.traffic.outpkts == 0


def test_dr_answer_that_passes_counts_and_moves_the_state() -> None:
    world = World(Forward.DR)
    world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1000, dport=80, flags="S"))
    verdict = world.server(IP(src=VIP, dst=CLIENT) / TCP(sport=80, dport=1000, flags="SA"))
    assert isinstance(verdict, Deliver)
    assert world.real().stats.traffic.outpkts == 1


def test_strangers_packet_is_nobodys_matter() -> None:
    world = World()
    assert isinstance(world.server(IP(src="10.0.0.77", dst=CLIENT) / UDP(sport=9, dport=9)), Deliver)

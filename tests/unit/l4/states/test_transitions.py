"""V12, V27, V29: typical lives, timeouts on the wheel, active and inactive."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.sctp import (
    SCTP,
    SCTPChunkAbort,
    SCTPChunkCookieAck,
    SCTPChunkCookieEcho,
    SCTPChunkInit,
    SCTPChunkInitAck,
)

from director.l4.states import tcp
from director.l4.states.transitions import name
from director.model.pools import Eject, Forward
from director.model.virtual import L4Settings
from director.registry.watch import GOOD, Watch
from tests.support.layer4_world import CLIENT, SERVERS, VIP, World


def there(flags: str, sport: int = 1000) -> Any:
    return IP(src=CLIENT, dst=VIP) / TCP(sport=sport, dport=80, flags=flags)


def back(flags: str) -> Any:
    return IP(src=SERVERS[0], dst=CLIENT) / TCP(sport=8080, dport=1000, flags=flags)


def load(world: World) -> tuple[int, int]:
    return world.real().active, world.real().inactive


def only(world: World) -> Any:
    (flow,) = world.table.entries
    return flow


def test_nat_life_of_d2() -> None:
    """SR (60), SR, ES (900), CW (60), TW (120); active until the client's FIN."""
    world = World()
    life: list[Any] = [
        (world.client, there("S"), "SYN_RECV", 60, (1, 0)),
        (world.server, back("SA"), "SYN_RECV", 60, (1, 0)),
        (world.client, there("A"), "ESTABLISHED", 900, (1, 0)),
        (world.client, there("FA"), "CLOSE_WAIT", 60, (0, 1)),
        (world.server, back("FA"), "TIME_WAIT", 120, (0, 1)),
        (world.client, there("A"), "TIME_WAIT", 120, (0, 1)),
    ]
    for give, packet, state, timeout, counts in life:
        give(packet)
        flow = only(world)
        assert (name(flow), flow.timeout, load(world)) == (state, timeout, counts)


def test_dr_life_of_d2() -> None:
    """SR, ES, FW (120), FW; the server is never seen."""
    world = World(Forward.DR)
    for flags, state, timeout in (
        ("S", "SYN_RECV", 60),
        ("A", "ESTABLISHED", 900),
        ("FA", "FIN_WAIT", 120),
        ("A", "FIN_WAIT", 120),
    ):
        world.client(there(flags))
        assert (name(only(world)), only(world).timeout) == (state, timeout)


def test_packet_of_the_server_ends_being_quiet() -> None:
    world = World(Forward.DR)
    world.client(there("S"))
    assert only(world).quiet
    world.server(IP(src=VIP, dst=CLIENT) / TCP(sport=80, dport=1000, flags="SA"))
    assert not only(world).quiet
    world.client(there("A"))
    world.client(there("FA"))
    assert name(only(world)) == "CLOSE_WAIT"


@pytest.mark.parametrize(
    ("packets", "seconds"), [(["S"], 60), (["S", "A"], 900), (["S", "A", "FA"], 60), (["S", "A", "R"], 10)]
)
def test_entry_expires_after_its_states_timeout(packets: list[str], seconds: float) -> None:
    world = World()
    for flags in packets:
        world.client(there(flags))
    world.wait(seconds - 1)
    assert len(world.table) == 1
    world.wait(2.5)
    assert len(world.table) == 0
    assert load(world) == (0, 0)


def test_traffic_keeps_an_entry_alive_on_the_hot_path_too() -> None:
    world = World()
    world.client(there("S"))
    world.client(there("A"))
    for _ in range(4):
        world.wait(800)
        world.client(there("A"))
        world.client(there("A"))
    assert len(world.table) == 1
    world.wait(905)
    assert len(world.table) == 0


def test_timeouts_are_changeable_while_running() -> None:
    world = World()
    world.client(there("S"))
    world.client(there("A"))
    world.forwarder.configure(L4Settings(timeout_tcp=30.0))
    world.client(there("A"))
    world.wait(33)
    assert len(world.table) == 0


def test_udp_is_inactive_for_300_seconds() -> None:
    world = World(protocol="udp")
    world.client(IP(src=CLIENT, dst=VIP) / UDP(sport=1000, dport=80))
    assert (name(only(world)), only(world).timeout, load(world)) == ("UDP", 300, (0, 1))
    world.wait(303)
    assert (len(world.table), load(world)) == (0, (0, 0))


def test_sctp_main_path_reaches_established_and_closed() -> None:
    world = World(protocol="sctp")
    to, fro = SCTP(sport=1000, dport=80), SCTP(sport=8080, dport=1000)
    for give, header, chunk, state, counts in (
        (world.client, to, SCTPChunkInit(), "INIT1", (0, 1)),
        (world.server, fro, SCTPChunkInitAck(), "C-SENT", (0, 1)),
        (world.client, to, SCTPChunkCookieEcho(), "C-REPLIED", (0, 1)),
        (world.server, fro, SCTPChunkCookieAck(), "ESTABLISHED", (1, 0)),
        (world.client, to, SCTPChunkAbort(), "CLOSED", (0, 1)),
    ):
        ends = (CLIENT, VIP) if header is to else (SERVERS[0], CLIENT)
        give(IP(src=ends[0], dst=ends[1]) / header / chunk)
        assert (name(only(world)), load(world)) == (state, counts)


def test_secure_tcp_needs_the_server() -> None:
    world = World(settings=L4Settings(secure_tcp=3))
    world.client(there("S"))
    world.client(there("A"))
    assert name(only(world)) == "SYN_RECV"
    world.server(back("SA"))
    assert name(only(world)) == "SYNACK"
    world.server(back("A"))
    assert name(only(world)) == "ESTABLISHED"
    assert world.forwarder.states.tcp is tcp.SECURE


# --- what a flow says of its server (passive checks) ---------------------------------------------------


def watched(world: World) -> list[str]:
    """What the server's watch is told from now on."""
    told: list[str] = []
    causes = frozenset({"connect", "reset"})
    world.real().watch = Watch(Eject(causes), told.append)
    return told


def test_a_server_that_refuses_is_told_and_so_is_one_that_accepts_again() -> None:
    world = World()
    told = watched(world)
    world.client(there("S"))
    world.server(back("RA"))
    assert told == ["connect"]
    world.client(there("S"))
    world.server(back("SA"))
    assert told == ["connect"]
    world.client(there("A"))
    assert told == ["connect", GOOD]


def test_a_servers_reset_in_the_middle_is_told_and_a_clients_is_not() -> None:
    world = World()
    told = watched(world)
    for give, packet in ((world.client, there("S")), (world.server, back("SA")), (world.client, there("A"))):
        give(packet)
    world.client(there("R"))
    assert told == []
    for give, packet in ((world.client, there("S")), (world.server, back("SA")), (world.client, there("A"))):
        give(packet)
    world.server(back("R"))
    assert told == ["reset"]


def test_an_answer_in_udp_is_work_that_went_well() -> None:
    world = World(protocol="udp", port=53)
    told = watched(world)
    world.client(IP(src=CLIENT, dst=VIP) / UDP(sport=1000, dport=53) / b"?")
    world.server(IP(src=SERVERS[0], dst=CLIENT) / UDP(sport=8080, dport=1000) / b"!")
    watch = world.real().watch
    assert watch is not None
    assert (told, watch.take().good) == ([], 1)


# -- a server that does not answer --


def judged(world: World) -> list[str]:
    told: list[str] = []
    world.real().watch = Watch(Eject(frozenset({"connect"})), told.append)
    return told


def test_a_third_syn_says_that_the_server_timed_out() -> None:
    """RFC 6298: a SYN is sent again after one second, and after two more; Linux waits one more."""
    world = World()
    told = judged(world)
    for expected in ([], [], ["connect"], ["connect"], ["connect"]):
        world.client(there("S"))
        assert told == expected


def test_a_server_that_answered_waits_for_its_client() -> None:
    world = World()
    told = judged(world)
    world.client(there("S"))
    world.server(back("SA"))
    for _ in range(4):
        world.client(there("S"))
    assert told == []


def test_a_server_that_answers_by_itself_cannot_be_judged_so() -> None:
    world = World(Forward.DR)
    told = judged(world)
    for _ in range(5):
        world.client(there("S"))
    assert told == []

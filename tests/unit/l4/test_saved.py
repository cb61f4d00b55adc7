"""What a run saves, the next one takes up: flows by every method, templates, who controls whom, counts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP

from director.l4.apps.sequence import Shift
from director.l4.flows import Flow, Template
from director.l4.saved import LONGEST_LINE, TakenUp, lines, take_up
from director.l4.states.transitions import name
from director.model.pools import Address, Forward
from director.registry.changes import ServerRemoved
from tests.support.layer4_world import CLIENT, CLIENT6, SERVERS, SERVERS6, VIP, VIP6, World, ip, sent

EPOCH = 1_700_000_000.0


def saved(world: World) -> list[str]:
    return list(lines(world.table, world.now, EPOCH))


def taken(world: World, text: list[str], away: float = 1.0) -> TakenUp:
    forwarder = world.forwarder
    return take_up(text, forwarder.table, forwarder.services, forwarder.states, world.now, EPOCH + away)


def counts(world: World, number: int = 0) -> tuple[int, int, int]:
    server = world.real(number)
    return server.active, server.inactive, server.persistent


def established(world: World, client: str = CLIENT, virtual: str = VIP, server: str = SERVERS[0]) -> None:
    """A handshake as RFC 9293 3.5 has it."""
    world.client(ip(client, virtual) / TCP(sport=4000, dport=80, flags="S"))
    world.server(ip(server, client) / TCP(sport=8080, dport=4000, flags="SA"))
    world.client(ip(client, virtual) / TCP(sport=4000, dport=80, flags="A"))


@pytest.mark.parametrize("family", [4, 6])
def test_a_connection_goes_on_in_both_directions(family: int) -> None:
    client, virtual, server = (CLIENT, VIP, SERVERS[0]) if family == 4 else (CLIENT6, VIP6, SERVERS6[0])
    before, after = World(family=family), World(family=family)
    established(before, client, virtual, server)
    assert str(taken(after, saved(before))).startswith("1 flow(s) and 0 template(s) of the run before go on")
    assert counts(after) == counts(before) == (1, 0, 0)
    up = sent(after.client(ip(client, virtual) / TCP(sport=4000, dport=80, flags="PA")))
    assert (up[1].dst, up[2].dport) == (server, 8080)
    down = sent(after.server(ip(server, client) / TCP(sport=8080, dport=4000, flags="PA")))
    assert (down[1].src, down[2].sport) == (virtual, 80)
    (flow,) = after.table.entries
    assert name(flow) == "ESTABLISHED"
    assert after.forwarder.total.traffic.conns == 0, "it is no new one"


@pytest.mark.parametrize("forward", [Forward.DR, Forward.TUN])
def test_by_the_other_methods_too(forward: Forward) -> None:
    before, after = World(forward, servers=2), World(forward, servers=2)
    for sport in (1, 2):
        before.client(IP(src=CLIENT, dst=VIP) / TCP(sport=sport, dport=80, flags="S"))
    taken(after, saved(before))
    packet = IP(src=CLIENT, dst=VIP) / TCP(sport=2, dport=80, flags="A")
    assert sent(after.client(packet)).dst == sent(before.client(packet)).dst


def test_it_ends_when_it_would_have_ended() -> None:
    before, after = World(protocol="udp", port=53), World(protocol="udp", port=53)
    before.client(IP(src=CLIENT, dst=VIP) / UDP(sport=1, dport=53) / b"ask")
    left = before.table.entries[0].deadline - before.now
    text = saved(before)
    assert taken(after, text, away=left + 1) == TakenUp(over=1)
    taken(after, text, away=left - 10)
    assert after.table.entries[0].deadline - after.now == pytest.approx(10, abs=0.01)
    after.wait(9)
    assert len(after.table) == 1
    after.wait(2)
    assert len(after.table) == 0
    assert counts(after) == (0, 0, 0)


def test_a_clock_that_was_set_back_gives_no_more_than_there_was() -> None:
    before, after = World(), World()
    established(before)
    taken(after, saved(before), away=-1e9)
    assert after.table.entries[0].deadline == pytest.approx(before.table.entries[0].deadline, abs=0.01)


def test_templates_and_the_flows_they_control() -> None:
    before, after = (World(servers=3, persistent=300.0) for _ in range(2))
    for number, client in enumerate((CLIENT, "192.0.2.254")):
        established(before, client, VIP, SERVERS[number])
    told = taken(after, saved(before))
    assert (told.flows, told.templates) == (2, 2)
    assert [counts(after, number) for number in range(3)] == [(1, 0, 1), (1, 0, 1), (0, 0, 0)]
    packet = IP(src="192.0.2.254", dst=VIP) / TCP(sport=4001, dport=80, flags="S")
    assert sent(after.client(packet))[1].dst == SERVERS[1]
    flows = [one for one in after.table.entries if isinstance(one, Flow)]
    assert all(isinstance(one.control, Template) and one.control.assured for one in flows[:2])
    assert sum(one.controls for one in after.table.entries) == 3


def test_what_a_payload_was_changed_by_is_kept() -> None:
    before, after = (World(port=21, server={"address": Address(SERVERS[0], 21)}) for _ in range(2))
    before.client(IP(src=CLIENT, dst=VIP) / TCP(sport=4000, dport=21, flags="S"))
    (flow,) = before.table.entries
    flow.mode, flow.adjust = "pasv", Shift()
    flow.adjust.replaced(7000, b"227 10,0,0,11,1,2", b"227 192,0,2,80,1,2")
    taken(after, saved(before))
    (found,) = after.table.entries
    assert (found.app, found.mode) == ("ftp", "pasv")
    assert found.adjust.forth(7100) == flow.adjust.forth(7100) == 7101


def test_what_has_no_service_or_server_any_more_is_left_out() -> None:
    before = World(servers=2)
    for sport in (1, 2):
        before.client(IP(src=CLIENT, dst=VIP) / TCP(sport=sport, dport=80, flags="S"))
    text = saved(before)
    assert taken(World(servers=2, port=81), text) == TakenUp(homeless=2)
    assert taken(World(servers=1), text) == TakenUp(flows=1, homeless=1)
    assert taken(World(Forward.DR, servers=2), text) == TakenUp(homeless=2)
    before.apply(ServerRemoved("p", "r1"))
    assert len(saved(before)) == 2, "a flow whose server has gone is not saved"


def test_no_more_than_there_is_room_for() -> None:
    before, after = World(), World()
    for sport in range(1, 6):
        before.client(IP(src=CLIENT, dst=VIP) / TCP(sport=sport, dport=80, flags="S"))
    after.table.limit = 3
    assert taken(after, saved(before)) == TakenUp(flows=3, homeless=2)
    assert counts(after) == (3, 0, 0)


# --- what is not ours -------------------------------------------------------------------------------------


def test_a_torn_file_gives_what_is_whole() -> None:
    before, after = World(), World()
    for sport in (1, 2):
        before.client(IP(src=CLIENT, dst=VIP) / TCP(sport=sport, dport=80, flags="S"))
    text = saved(before)
    text[-1] = text[-1][: len(text[-1]) // 2]
    assert taken(after, text) == TakenUp(flows=1, unreadable=1)


@pytest.mark.parametrize(
    "head", ["", "[]", "{}", '{"format": "director flows", "version": 2, "time": 0}', "7"]
)
def test_another_format_is_not_read(head: str) -> None:
    before, after = World(), World()
    established(before)
    assert taken(after, [head, *saved(before)[1:]]) == TakenUp(unreadable=1)
    assert taken(after, []) == TakenUp(unreadable=1)


def test_the_same_line_twice_is_one_flow() -> None:
    before, after = World(), World()
    established(before)
    head, line = saved(before)
    assert taken(after, [head, line, line]) == TakenUp(flows=1, homeless=1)
    assert counts(after) == (1, 0, 0)


def test_a_line_that_is_too_long_is_not_parsed() -> None:
    world = World()
    head = saved(world)[0]
    assert taken(world, [head, "[" * (LONGEST_LINE + 1)]) == TakenUp(unreadable=1)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.data())
def test_a_line_with_any_wrong_value_hurts_nobody(data: st.DataObject) -> None:
    before, after = World(persistent=300.0), World(persistent=300.0)
    established(before)
    text = saved(before)
    row = data.draw(st.sampled_from([1, 2]))
    said: dict[str, Any] = json.loads(text[row])
    field = data.draw(st.sampled_from(sorted(said)))
    said[field] = data.draw(JSON)
    told = taken(after, [text[0], json.dumps(said), text[3 - row]])
    assert told.flows + told.templates + told.over + told.homeless + told.unreadable == 2
    packet = IP(src=CLIENT, dst=VIP) / TCP(sport=4000, dport=80, flags="A")
    after.client(packet)
    after.wait(5)
    after.forwarder.close()
    assert counts(after) == (0, 0, 0)

from __future__ import annotations

import ipaddress
import re

from director.l4.io.capture.plan import CapturePlan, Endpoint, Wide
from director.l4.io.capture.rules import content, table_name

A = ipaddress.ip_address
PLAN = CapturePlan(
    virtuals=(Endpoint(6, A("198.51.100.10"), 80, 80), Endpoint(17, A("2001:db8::1"), 53, 53)),
    answers=(Endpoint(6, A("10.0.0.11"), 8080, 8080), Endpoint(6, A("10.0.0.12"), 0, 65535)),
)


def test_a_table_is_named_after_its_director_and_nothing_else_can_be_said() -> None:
    assert table_name("edge-1") == "director-edge-1"
    assert table_name('x"; flush ruleset; #') == "director-x___flush_ruleset___"


def test_what_is_opened_is_closed() -> None:
    text = content("x pid 1 start 2", PLAN, ["eth0"], [])
    assert 'comment "x pid 1 start 2"' in text
    assert text.count("{") == text.count("}")


def test_one_chain_for_each_interface() -> None:
    text = content("x", PLAN, ["eth0", "eth1"], [])
    assert re.findall(r'device "(\w+)"', text) == ["eth0", "eth1"]


def test_only_ranges_make_an_interval_set() -> None:
    some = CapturePlan((Endpoint(6, A("10.0.0.1"), 80, 90), Endpoint(6, A("10.0.0.2"), 80, 80)))
    single, ranged = (content("x", plan, [], []) for plan in (PLAN, some))
    assert "set virtual4 { type inet_proto . ipv4_addr . inet_service; elements" in single
    assert "set virtual4 { type inet_proto . ipv4_addr . inet_service; flags interval; elements" in ranged
    assert "6 . 10.0.0.1 . 80-90, 6 . 10.0.0.2 . 80" in ranged


def test_endpoints_with_all_ports_stand_in_a_set_without_ports() -> None:
    text = content("x", PLAN, ["eth0"], [])
    assert "set answer4whole { type inet_proto . ipv4_addr; elements = { 6 . 10.0.0.12 }; }" in text
    assert "set answer4 { type inet_proto . ipv4_addr . inet_service; elements = { 6 . 10.0.0.11" in text
    for name, ports in (("answer4whole", ""), ("answer4", " . th sport")):
        assert f"meta l4proto . ip saddr{ports} @{name} counter name taken drop" in text


def test_no_rule_asks_an_empty_set() -> None:
    text = content("x", PLAN, ["eth0"], [])
    asked = set(re.findall(r"@([a-z]+[46](?:whole)?)", text))
    assert not asked & {"keep4", "keep6", "virtual4whole", "virtual6whole", "answer6", "answer6whole"}
    assert {"virtual4", "virtual6", "answer4", "answer4whole"} <= asked
    assert all(f"set {name} {{" in text for name in asked)
    assert "jump networks" not in text


def test_overlapping_ranges_are_joined() -> None:
    plan = CapturePlan((Endpoint(6, A("10.0.0.1"), 0, 65535), Endpoint(6, A("10.0.0.1"), 80, 80)))
    assert "elements = { 6 . 10.0.0.1 }" in content("x", plan, [], [])


def test_an_error_about_a_servers_packet_is_matched_inside_its_quotation() -> None:
    text = content("x", PLAN, [], [])
    # RFC 792: 8 bytes of ICMP, then the datagram; its protocol is byte 9, its destination
    # bytes 16 to 19, its destination port bytes 22 and 23 behind a header of 20 bytes.
    protocol, destination, port = 8 * (8 + 9), 8 * (8 + 16), 8 * (8 + 22)
    assert f"@th,{protocol},8 6 @th,{destination},32 0x0a00000b @th,{port},16 8080" in text
    assert f"@th,{protocol},8 6 @th,{destination},32 0x0a00000c counter" in text


def test_the_hosts_own_addresses_stand_in_their_sets() -> None:
    text = content("x", PLAN, [], [A("10.0.0.1"), A("::1")])
    assert "set local4 { type ipv4_addr; elements = { 10.0.0.1 }; }" in text
    assert "set local6 { type ipv6_addr; elements = { ::1 }; }" in text


def test_a_network_of_a_mark_rule_is_a_rule_of_its_own() -> None:
    plan = CapturePlan(wide=(Wide(6, ipaddress.ip_network("192.0.2.0/24"), 80, 90),))
    text = content("x", plan, ["eth0"], [])
    assert "meta l4proto 6 ip daddr 192.0.2.0/24 th dport 80-90 counter name taken drop" in text
    assert "ip daddr 192.0.2.0/24 counter name taken drop" in text, "its fragments, which carry no ports"


def test_fragments_are_taken_by_addresses_alone() -> None:
    text = content("x", PLAN, ["eth0"], [])
    assert "set service4 { type ipv4_addr; elements = { 198.51.100.10 }; }" in text
    assert "set service6 { type ipv6_addr; elements = { 2001:db8::1 }; }" in text
    assert "set server4 { type ipv4_addr; elements = { 10.0.0.11, 10.0.0.12 }; }" in text
    chain = text[text.index("chain pieces4") : text.index("chain pieces6")]
    order = [chain.index(word) for word in ("@service4", "@local4 accept", "@server4")]
    assert order == sorted(order)


def test_an_error_about_an_ipv6_fragment_is_matched_by_the_server_alone() -> None:
    plan = CapturePlan(answers=(Endpoint(17, A("2001:db8::b"), 53, 53),))
    text = content("x", plan, [], [])
    # RFC 4443: 8 bytes of ICMPv6, then the packet; its next header is byte 6, its destination bytes 24 to 39.
    number = f"0x{int(A('2001:db8::b')):032x}"
    assert f"@th,{8 * (8 + 6)},8 44 @th,{8 * (8 + 24)},128 {number} counter" in text

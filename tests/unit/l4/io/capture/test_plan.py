from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

import pytest

from director.l4.io.capture.plan import (
    ALL_PORTS,
    FTP_PORTS,
    CapturePlan,
    Endpoint,
    Side,
    Taken,
    Wide,
    capture_plan,
    owed_endpoints,
    parse_address,
    server_addresses,
)
from director.model.pools import Address, Forward, Pool, Server
from director.model.virtual import L4Service, Mark, Virtual

VIP, REAL, CLIENT = (ipaddress.ip_address(one) for one in ("198.51.100.10", "10.0.0.11", "203.0.113.9"))


def pool(*servers: Server) -> dict[str, Pool]:
    return {"web": Pool("web", servers)}


def server(host: str = "10.0.0.11", port: int = 8080, forward: Forward | None = None) -> Server:
    return Server("a", Address(host, port), forward=forward)


def service(
    protocol: str = "tcp", host: str = str(VIP), port: int = 80, forward: Forward = Forward.NAT
) -> L4Service:
    return L4Service("web", Virtual(protocol, host, port), "web", forward)


def test_nat_takes_the_service_and_the_servers_answers() -> None:
    plan = capture_plan([service()], pool(server()))
    assert plan.virtuals == (Endpoint(6, VIP, 80, 80),)
    assert plan.answers == (Endpoint(6, REAL, 8080, 8080),)


@pytest.mark.parametrize("method", [Forward.DR, Forward.TUN, Forward.LOCAL])
def test_other_methods_leave_the_servers_packets_alone(method: Forward) -> None:
    plan = capture_plan([service(forward=method)], pool(server()))
    assert plan.answers == ()


def test_a_servers_own_method_wins() -> None:
    plan = capture_plan([service(forward=Forward.DR)], pool(server(forward=Forward.NAT)))
    assert plan.answers == (Endpoint(6, REAL, 8080, 8080),)


def test_port_zero_takes_every_port_of_its_protocol() -> None:
    plan = capture_plan([service("tcp", port=0)], pool(server()))
    assert plan.virtuals == (Endpoint(6, VIP, *ALL_PORTS),)
    assert plan.answers == (Endpoint(6, REAL, *ALL_PORTS),)


@pytest.mark.parametrize("port", [0, 500])
def test_where_isakmp_may_flow_esp_and_ah_are_taken_too(port: int) -> None:
    """`lvs-semantics` D.5: they follow UDP 500; the host must not answer "protocol unreachable"."""
    plan = capture_plan([service("udp", port=port)], pool(server(port=500)))
    for endpoints, address in ((plan.virtuals, VIP), (plan.answers, REAL)):
        udp = Endpoint(17, address, *(ALL_PORTS if port == 0 else (500, 500)))
        assert set(endpoints) == {udp, Endpoint(50, address, *ALL_PORTS), Endpoint(51, address, *ALL_PORTS)}


def test_no_other_service_takes_esp_and_ah() -> None:
    plan = capture_plan([service("udp", port=53), service("tcp", port=0)], pool(server(port=500)))
    assert {one.protocol for one in plan.virtuals} == {6, 17}
    assert {one.protocol for one in capture_plan([service()], pool(server(port=500))).answers} == {6}


def test_ftp_takes_its_data_connections() -> None:
    plan = capture_plan([service(port=21)], pool(server(port=21)))
    assert [(one.first, one.last) for one in plan.virtuals] == list(FTP_PORTS)
    assert [(one.first, one.last) for one in plan.answers] == list(FTP_PORTS)


def test_a_mark_service_takes_what_its_rules_say() -> None:
    marked = L4Service("m", Virtual(fwmark=7), "web")
    marks = (
        Mark(7, 6, ipaddress.ip_network("198.51.100.10/32"), (80, 80)),
        Mark(7, 0, ipaddress.ip_network("192.0.2.0/24"), (0, 65535)),
        Mark(7, 6, ipaddress.ip_network("2001:db8::/32"), (80, 80)),
        Mark(8, 6, ipaddress.ip_network("198.51.100.11/32"), (80, 80)),
    )
    plan = capture_plan([marked], pool(server()), marks=marks)
    assert plan.virtuals == (Endpoint(6, VIP, 80, 80),)
    assert {(one.protocol, str(one.network)) for one in plan.wide} == {
        (number, "192.0.2.0/24") for number in (6, 17, 132, 50, 51)
    }
    assert plan.everything
    assert {one.protocol for one in plan.answers} == {6, 17, 132, 50, 51}
    taken = Taken(plan)
    assert taken(built(lambda s: s.IP(src=str(CLIENT), dst="192.0.2.99") / s.UDP(dport=9))) is Side.VIRTUAL
    assert taken(built(lambda s: s.IP(src=str(CLIENT), dst="192.0.3.99") / s.UDP(dport=9))) is Side.NEITHER


def test_a_mark_service_without_rules_takes_no_packets_of_clients() -> None:
    plan = capture_plan([L4Service("m", Virtual(fwmark=7), "web")], pool(server()))
    assert plan.virtuals == ()
    assert plan.wide == ()
    assert not plan.everything


def test_two_services_on_one_server_are_one_endpoint() -> None:
    two = [service(), service(host="198.51.100.11")]
    assert len(capture_plan(two, pool(server())).answers) == 1


def test_addresses_come_once_in_order() -> None:
    plan = CapturePlan((Endpoint(6, VIP, 80, 80), Endpoint(6, VIP, 443, 443)), (Endpoint(6, REAL, 1, 1),))
    assert plan.addresses(4) == (VIP, REAL)
    assert plan.addresses(6) == ()
    assert plan.virtual_addresses() == (VIP,)


def test_a_range_must_be_one() -> None:
    with pytest.raises(ValueError, match="no range"):
        Endpoint(6, VIP, 9, 8)


def test_servers_are_named_once_and_names_not_at_all() -> None:
    two = [service(), service(host="198.51.100.11")]
    servers = (server(), Server("b", Address("www.example.org", 80)), Server("c", Address(str(REAL), 81)))
    assert server_addresses(two, pool(*servers)) == [REAL.packed]
    assert server_addresses([L4Service("x", Virtual(), "nowhere")], {}) == []


def test_a_name_is_no_address() -> None:
    assert parse_address("www.example.org") is None


# --- Taken: the same packets as the rules of the kernel -----------------------------------------


def built(payload: Callable[[Any], Any]) -> bytes:
    scapy = pytest.importorskip("scapy.all", reason="scapy builds the frames")
    return bytes(scapy.Ether() / payload(scapy))


PLAN = CapturePlan(
    virtuals=(Endpoint(6, VIP, 80, 80), Endpoint(6, ipaddress.ip_address("2001:db8::1"), 80, 80)),
    answers=(Endpoint(6, REAL, 8080, 8080),),
    keep=(Endpoint(6, VIP, 443, 443),),
)
DIRECTOR = ipaddress.ip_address("10.0.0.1")


def test_servers_that_left_are_named_by_their_ports_or_as_a_whole() -> None:
    few = {(6, REAL.packed, 8080), (6, REAL.packed, 80), (17, REAL.packed, 53)}
    assert owed_endpoints(few) == (
        Endpoint(6, REAL, 80, 80),
        Endpoint(6, REAL, 8080, 8080),
        Endpoint(17, REAL, 53, 53),
    )
    assert owed_endpoints((6, REAL.packed, port) for port in range(1, 66)) == (Endpoint(6, REAL, 0, 65535),)
    assert owed_endpoints(()) == ()


@pytest.mark.parametrize(
    ("taken", "payload"),
    [
        (Side.VIRTUAL, lambda s: s.IP(src=str(CLIENT), dst=str(VIP)) / s.TCP(dport=80)),
        (Side.NEITHER, lambda s: s.IP(src=str(CLIENT), dst=str(VIP)) / s.TCP(dport=81)),
        (Side.NEITHER, lambda s: s.IP(src=str(CLIENT), dst=str(VIP)) / s.UDP(dport=80)),
        (Side.NEITHER, lambda s: s.IP(src=str(CLIENT), dst=str(VIP)) / s.TCP(dport=443)),
        (Side.VIRTUAL, lambda s: s.IP(src=str(CLIENT), dst=str(VIP), frag=5) / b"later"),
        (Side.VIRTUAL, lambda s: s.IP(src=str(CLIENT), dst=str(VIP), flags="MF") / s.UDP(dport=9)),
        (Side.ANSWER, lambda s: s.IP(src=str(REAL), dst=str(CLIENT), frag=5, proto=17) / b"later"),
        (Side.NEITHER, lambda s: s.IP(src=str(REAL), dst=str(DIRECTOR), frag=5, proto=17) / b"later"),
        (Side.NEITHER, lambda s: s.IP(src=str(CLIENT), dst=str(DIRECTOR), flags="MF") / s.TCP(dport=80)),
        (
            Side.VIRTUAL,
            lambda s: s.IPv6(dst="2001:db8::1") / s.IPv6ExtHdrFragment(nh=17, offset=9) / b"later",
        ),
        (Side.ANSWER, lambda s: s.IP(src=str(REAL), dst=str(CLIENT)) / s.TCP(sport=8080)),
        (Side.NEITHER, lambda s: s.IP(src=str(REAL), dst=str(DIRECTOR)) / s.TCP(sport=8080)),
        (Side.NEITHER, lambda s: s.IP(src=str(REAL), dst=str(CLIENT)) / s.TCP(sport=22)),
        (Side.NEITHER, lambda s: s.IP(src=str(CLIENT), dst=str(VIP)) / s.ICMP()),
        (Side.VIRTUAL, lambda s: s.IPv6(dst="2001:db8::1") / s.TCP(dport=80)),
        (
            Side.VIRTUAL,
            lambda s: (
                s.IPv6(dst="2001:db8::1") / s.IPv6ExtHdrHopByHop() / s.IPv6ExtHdrDestOpt() / s.TCP(dport=80)
            ),
        ),
        # Seen with counters of nft on the wire: it looks behind extension headers, but not behind an AH.
        (
            Side.NEITHER,
            lambda s: s.IPv6(dst="2001:db8::1", nh=51) / (b"\x06\x04" + bytes(22)) / s.TCP(dport=80),
        ),
        (Side.NEITHER, lambda s: s.IPv6(dst="2001:db8::1") / s.IPv6ExtHdrDestOpt() / s.TCP(dport=81)),
        (Side.NEITHER, lambda s: s.ARP(pdst=str(VIP))),
    ],
)
def test_taken(taken: Side, payload: Callable[[Any], Any]) -> None:
    assert Taken(PLAN, [DIRECTOR.packed])(built(payload)) is taken


@pytest.mark.parametrize(
    ("taken", "payload"),
    [
        (Side.VIRTUAL, lambda s: s.IP(src=str(CLIENT), dst=str(VIP), proto=50) / b"spi."),
        (Side.VIRTUAL, lambda s: s.IP(src=str(CLIENT), dst=str(VIP), proto=51, frag=9) / b"later"),
        (Side.ANSWER, lambda s: s.IP(src=str(REAL), dst=str(CLIENT), proto=50) / b"spi."),
        (Side.VIRTUAL, lambda s: s.IPv6(dst="2001:db8::1", nh=51) / b"ah"),
        (Side.NEITHER, lambda s: s.IP(src=str(CLIENT), dst=str(VIP), proto=47) / b"gre."),
    ],
)
def test_esp_and_ah_have_no_ports(taken: Side, payload: Callable[[Any], Any]) -> None:
    six = service("udp", "2001:db8::1", 500)
    plan = capture_plan([service("udp", port=500), six], pool(server(port=500)))
    assert Taken(plan)(built(payload)) is taken


@pytest.mark.parametrize(
    ("side", "source", "destination"),
    [
        (Side.VIRTUAL, CLIENT, VIP),
        (Side.ANSWER, REAL, CLIENT),
        (Side.NEITHER, REAL, DIRECTOR),
        (Side.NEITHER, CLIENT, DIRECTOR),
    ],
)
def test_what_came_in_pieces_was_taken_by_its_addresses(side: Side, source: Any, destination: Any) -> None:
    """The rules saw fragments, which carry no ports; put together it is given back whatever its port is."""
    taken = Taken(PLAN, [DIRECTOR.packed])
    whole = built(lambda s: s.IP(src=str(source), dst=str(destination)) / s.UDP(dport=9))
    assert taken(whole) is Side.NEITHER
    assert taken(whole, pieces=True) is side


def test_pieces_to_a_network_of_a_mark_rule_are_taken() -> None:
    taken = Taken(CapturePlan(wide=(Wide(6, ipaddress.ip_network("192.0.2.0/24"), 80, 80),)))
    assert taken(built(lambda s: s.IP(dst="192.0.2.9", frag=5) / b"later")) is Side.VIRTUAL
    assert taken(built(lambda s: s.IP(dst="192.0.3.9", frag=5) / b"later")) is Side.NEITHER


def test_no_truncation_raises() -> None:
    whole = built(lambda s: s.IP(dst=str(VIP)) / s.TCP(dport=80))
    taken = Taken(PLAN)
    assert taken(whole)
    assert not any(taken(whole[:length]) for length in range(38))
    whole = built(lambda s: s.IPv6(dst="2001:db8::1") / s.IPv6ExtHdrDestOpt() / s.TCP(dport=80))
    assert not any(taken(whole[:length]) for length in range(66))


@pytest.mark.parametrize(
    ("server", "port", "receiver", "side"),
    [
        (str(REAL), 8080, str(CLIENT), Side.ANSWER),
        (str(REAL), 8081, str(CLIENT), Side.NEITHER),
        ("10.0.0.99", 8080, str(CLIENT), Side.NEITHER),
        (str(REAL), 8080, "10.0.0.1", Side.NEITHER),
    ],
)
def test_icmp_errors_about_packets_to_a_server_are_taken_too(
    server: str, port: int, receiver: str, side: Side
) -> None:
    """As the `errors` chain of `rules` has it: by the packet that is quoted."""
    plan = CapturePlan(answers=(Endpoint(6, REAL, 8080, 8080),))
    taken = Taken(plan, [ipaddress.ip_address("10.0.0.1").packed])

    def error(s: Any) -> Any:
        inner = s.IP(src=str(CLIENT), dst=server) / s.TCP(sport=1, dport=port)
        return s.IP(src=str(REAL), dst=receiver) / s.ICMP(type=3, code=4) / inner

    frame = built(error)
    assert taken(frame) is side
    assert not any(taken(frame[:length]) for length in range(66))


def test_icmp_for_version_6_is_taken_too() -> None:
    real = ipaddress.ip_address("2001:db8::b")
    taken = Taken(CapturePlan(answers=(Endpoint(17, real, 53, 53),)))

    def error(s: Any) -> Any:
        inner = s.IPv6(src="2001:db8::c", dst=str(real)) / s.UDP(sport=1, dport=53)
        return s.IPv6(src=str(real), dst="2001:db8::c") / s.ICMPv6PacketTooBig() / inner

    assert taken(built(error)) is Side.ANSWER


def test_icmp_about_fragments_of_version_6_is_taken_by_the_address() -> None:
    """The port stands behind a fragment header, and in the first fragment alone."""
    real = ipaddress.ip_address("2001:db8::b")
    taken = Taken(CapturePlan(answers=(Endpoint(17, real, 53, 53),)))

    def error(s: Any, server: str) -> Any:
        inner = s.IPv6(src="2001:db8::c", dst=server) / s.IPv6ExtHdrFragment(nh=17, offset=9) / bytes(16)
        return s.IPv6(src=server, dst="2001:db8::c") / s.ICMPv6PacketTooBig() / inner

    assert taken(built(lambda s: error(s, str(real)))) is Side.ANSWER
    assert taken(built(lambda s: error(s, "2001:db8::d"))) is Side.NEITHER

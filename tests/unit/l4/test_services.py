"""Look-up order of B.2 (V1 to V4), marks, and following the registry."""

from __future__ import annotations

from ipaddress import ip_network

from attrs import evolve

from director.l4.services import Services, packed, shown
from director.model.pools import Address, Forward, Pool, Server, State, Tunnel
from director.model.virtual import L4Service, Mark, Virtual
from director.registry.changes import (
    Change,
    Ordered,
    PoolAdded,
    ServerChanged,
    ServerRemoved,
    ServiceRemoved,
    ServiceSet,
)
from director.registry.registry import Registry
from tests.support.layer4_world import Turns

VIP, OTHER = packed("192.0.2.80") or b"", packed("192.0.2.81") or b""
SIX = packed("2001:db8::80") or b""
TCP, UDP, SCTP = 6, 17, 132


def made(*virtuals: tuple[str, Virtual], marks: tuple[Mark, ...] = (), **fields: object) -> Services:
    registry = Registry(lambda _spec: Turns())
    pool = Pool("p", (Server("a", Address("10.0.0.11", 8080)),))
    changes = [ServiceSet(L4Service(name, virtual, "p", **fields)) for name, virtual in virtuals]  # type: ignore[arg-type]
    registry.apply([PoolAdded(pool), *changes], "test", 0.0, 0.0)
    return Services(registry, marks)


def name(services: Services, mark: int, protocol: int, address: bytes, port: int) -> str:
    found = services.lookup(mark, protocol, address, port)
    return found.name if found else ""


def test_exact_protocol_address_and_port() -> None:
    services = made(
        ("tcp", Virtual("tcp", "192.0.2.80", 80)), ("udp", Virtual("udp", "192.0.2.80", 80)),
        ("sctp", Virtual("sctp", "192.0.2.80", 80)), ("six", Virtual("tcp", "2001:db8::80", 80)),
    )  # fmt: skip
    assert [name(services, 0, one, VIP, 80) for one in (TCP, UDP, SCTP)] == ["tcp", "udp", "sctp"]
    assert name(services, 0, TCP, SIX, 80) == "six"
    assert name(services, 0, TCP, VIP, 81) == name(services, 0, TCP, OTHER, 80) == ""


def test_mark_beats_address_and_exact_port_beats_port_0() -> None:
    services = made(
        ("marked", Virtual(fwmark=7)),
        ("exact", Virtual("tcp", "192.0.2.80", 80)),
        ("any", Virtual("tcp", "192.0.2.80", 0)),
    )
    assert name(services, 7, TCP, VIP, 80) == "marked"
    assert name(services, 0, TCP, VIP, 80) == "exact"
    assert name(services, 0, TCP, VIP, 81) == "any"
    assert name(services, 9, TCP, VIP, 80) == "exact"


def test_a_listener_of_the_host_wins_over_port_0() -> None:
    services = made(("any", Virtual("tcp", "192.0.2.80", 0)))
    services.kept = frozenset({(TCP, VIP, 8088)})
    assert [name(services, 0, TCP, VIP, port) for port in (8087, 8088)] == ["any", ""]


def test_mark_has_a_family() -> None:
    services = made(("four", Virtual(fwmark=7)), ("six", Virtual(fwmark=7, family=6)))
    assert name(services, 7, TCP, VIP, 1) == "four"
    assert name(services, 7, TCP, SIX, 1) == "six"


def test_ftp_takes_20_and_high_ports_before_port_0() -> None:
    services = made(("ftp", Virtual("tcp", "192.0.2.80", 21)), ("any", Virtual("tcp", "192.0.2.80", 0)))
    assert [name(services, 0, TCP, VIP, port) for port in (20, 21, 22, 1023, 1024, 65535)] == [
        "ftp", "ftp", "any", "any", "ftp", "ftp"
    ]  # fmt: skip
    assert name(services, 0, UDP, VIP, 2000) == ""


def test_marks_by_the_first_rule_that_fits() -> None:
    rules = (
        Mark(1, TCP, ip_network("192.0.2.80/32"), (80, 80)),
        Mark(2, 0, ip_network("192.0.2.0/24"), (1, 100)),
        Mark(3, UDP, ip_network("2001:db8::/32")),
    )
    services = made(marks=rules)
    assert services.mark(TCP, VIP, 80) == 1
    assert services.mark(UDP, VIP, 80) == 2
    assert services.mark(UDP, VIP, 101) == 0
    assert services.mark(UDP, SIX, 9) == 3


def test_follows_the_registry_and_keeps_what_stays() -> None:
    services = made(("a", Virtual("tcp", "192.0.2.80", 80)), ("b", Virtual("tcp", "192.0.2.81", 80)))
    before = dict(services.by_key)
    changed = L4Service("a", Virtual("tcp", "192.0.2.80", 80), "p", persistent=60.0)
    services.registry.apply([ServiceSet(changed), ServiceRemoved("l4:b")], "test", 0.0, 0.0)
    services.follow()
    assert services.by_key["l4:a"] is before["l4:a"]
    assert before["l4:a"].persistent == 60.0
    assert not before["l4:b"].present
    assert name(services, 0, TCP, OTHER, 80) == ""


def test_another_virtual_address_is_another_service() -> None:
    services = made(("a", Virtual("tcp", "192.0.2.80", 80)))
    before = services.by_key["l4:a"]
    services.registry.apply(
        [ServiceSet(L4Service("a", Virtual("tcp", "192.0.2.81", 80), "p"))], "test", 0.0, 0.0
    )
    services.follow()
    assert not before.present
    assert name(services, 0, TCP, OTHER, 80) == "a"


def test_another_name_is_the_same_service() -> None:
    services = made(("a", Virtual("tcp", "192.0.2.80", 80)))
    before = services.by_key["l4:a"]
    renamed = L4Service("b", Virtual("tcp", "192.0.2.80", 80), "p")
    services.registry.apply([ServiceRemoved("l4:a"), ServiceSet(renamed)], "test", 0.0, 0.0)
    services.follow()
    assert services.by_key == {"l4:b": before}
    assert (before.present, before.key, before.name) == (True, "l4:b", "b")


def test_a_service_that_returns_is_the_one_that_left_while_somebody_remembers_it() -> None:
    services = made(("a", Virtual("tcp", "192.0.2.80", 80)))
    before = services.by_key["l4:a"]
    services.registry.apply([ServiceRemoved("l4:a")], "test", 0.0, 0.0)
    services.follow()
    assert not before.present
    again = L4Service("a", Virtual("tcp", "192.0.2.80", 80), "p")
    services.registry.apply([ServiceSet(again)], "test", 0.0, 0.0)
    services.follow()
    assert services.by_key["l4:a"] is before
    assert before.present


def test_says_whether_the_way_of_a_flow_may_be_another_one() -> None:
    """Weights and the like leave every flow on its way; a hundred orders then cost no look at any flow."""
    services = made(("a", Virtual("tcp", "192.0.2.80", 80)))
    registry = services.registry
    server = registry.pools["p"].servers[0].config

    def moves(*changes: Change) -> bool:
        registry.apply(changes, "test", 0.0, 0.0)
        return services.follow()

    assert not moves(ServerChanged("p", evolve(server, weight=7)))
    assert not moves(Ordered("p", "a", State.DRAIN))
    assert not moves(ServiceSet(L4Service("a", Virtual("tcp", "192.0.2.80", 80), "p", persistent=60.0)))
    assert moves(ServerChanged("p", evolve(server, tunnel=Tunnel("gue"))))
    assert moves(ServiceRemoved("l4:a"))
    assert moves(ServiceSet(L4Service("a", Virtual("tcp", "192.0.2.80", 80), "p")))
    assert moves(ServerRemoved("p", "a"))


def test_servers_by_what_they_need() -> None:
    services = made(("n", Virtual("tcp", "192.0.2.80", 80)), forward=Forward.NAT)
    assert (TCP, packed("10.0.0.11"), 8080) in services.nat_servers
    services = made(("t", Virtual("tcp", "192.0.2.80", 80)), forward=Forward.TUN)
    assert packed("10.0.0.11") in services.tunnel_servers
    assert not services.nat_servers


def test_names_are_no_addresses() -> None:
    assert packed("example.org") is None
    assert shown(SIX) == "2001:db8::80"

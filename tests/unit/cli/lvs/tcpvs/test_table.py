from __future__ import annotations

from director.cli.lvs.tcpvs.table import TcpvsRule, TcpvsServer, TcpvsService
from director.model.pools import Address


def test_servers_stand_by_address_as_numbers() -> None:
    service = TcpvsService("x")
    for host, port in (("10.0.0.10", 80), ("10.0.0.9", 81), ("10.0.0.9", 9), ("::1", 80)):
        service = service.with_server(TcpvsServer(Address(host, port)))
    assert [str(one.address) for one in service.servers] == [
        "10.0.0.9:9", "10.0.0.9:81", "10.0.0.10:80", "[::1]:80",
    ]  # fmt: skip


def test_a_server_is_replaced_where_it_stands() -> None:
    first, second = (TcpvsServer(Address("10.0.0.1", port)) for port in (80, 81))
    service = TcpvsService("x").with_server(first).with_server(second)
    changed = service.with_server(TcpvsServer(first.address, 7))
    assert [one.weight for one in changed.servers] == [7, 1]


def test_new_rules_go_first_and_those_for_the_rest_last() -> None:
    service = TcpvsService("x")
    for pattern in ("/a", ".*", "/b", "^/.*"):
        service = service.with_rule(TcpvsRule(pattern))
    assert [one.pattern for one in service.rules] == ["/b", "/a", ".*", "^/.*"]
    again = service.with_rule(TcpvsRule("/a", 3))
    assert [(one.pattern, one.match) for one in again.rules][:2] == [("/b", 0), ("/a", 3)]

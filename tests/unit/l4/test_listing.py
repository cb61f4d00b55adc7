"""V65: rows of flows and templates."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

import pytest
from scapy.layers.inet import IP, TCP, UDP

from director.l4 import listing
from director.model.pools import Forward
from director.registry.reports import ConnectionEntry
from tests.support.layer4_world import CLIENT, CLIENT6, VIP, VIP6, World, ip


def client_ports(rows: Iterable[ConnectionEntry]) -> list[int]:
    return [int(row.client.rpartition(":")[2]) for row in rows]


def test_engine_data_of_a_template() -> None:
    world = World(family=6, protocol="udp", persistent=60.0, engine="sip", forward=Forward.DR)
    world.client(ip(CLIENT6, VIP6) / UDP(sport=1, dport=80) / b"X y\r\nCall-ID: abc\r\n\r\n")
    template = next(one for one in listing.connections(world.table, world.now) if one.template)
    assert (template.engine, template.data, template.forward) == ("sip", "abc", "Route")
    assert template.client == f"[{CLIENT6}]:0"


def test_the_newest_come_first_and_the_rest_after_them() -> None:
    world = World(servers=2)
    for sport in range(1, 8):
        world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=sport, dport=80, flags="S"))
    world.table.expire_now(world.table.entries[2])
    everything = listing.fitting()
    seen, after = [], None
    while True:
        rows, after = listing.newest(world.table, world.now, everything, 4, after)
        seen.append(client_ports(rows))
        if after is None:
            break
    assert seen == [[7, 6, 5, 4], [2, 1]]


def test_what_comes_meanwhile_shows_nothing_twice() -> None:
    world = World()
    for sport in (1, 2, 3, 4):
        world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=sport, dport=80, flags="S"))
    rows, after = listing.newest(world.table, world.now, listing.fitting(), 2)
    world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=5, dport=80, flags="S"))
    more, _ = listing.newest(world.table, world.now, listing.fitting(), 9, after)
    assert client_ports((*rows, *more)) == [4, 3, 2, 1]


@pytest.mark.parametrize(
    ("wanted", "ports"),
    [
        ({"client": "192.0.2.9"}, [2, 1]),
        ({"client": "192.0.2.0/24"}, [3, 2, 1]),
        ({"client": "2001:db8::/32"}, []),
        ({"client": "192.0.2.9", "server": "r1"}, [2]),
        ({"server": "p/r0"}, [3, 1]),
        ({"server": "10.0.0.12"}, [2]),
        ({"server": "10.0.0.12:8080"}, [2]),
        ({"server": "r9"}, []),
        ({"service": "s"}, [3, 2, 1]),
        ({"service": "l4:s"}, [3, 2, 1]),
        ({"service": "other"}, []),
    ],
)
def test_filters(wanted: dict[str, str], ports: list[int]) -> None:
    world = World(servers=2)
    for sport, client in ((1, CLIENT), (2, CLIENT), (3, "192.0.2.254")):
        world.client(IP(src=client, dst=VIP) / TCP(sport=sport, dport=80, flags="S"))
    network = ipaddress.ip_network(wanted["client"]) if "client" in wanted else None
    fits = listing.fitting(network, wanted.get("service", ""), wanted.get("server", ""))
    rows, more = listing.newest(world.table, world.now, fits, 9)
    assert (client_ports(rows), more) == (ports, None)


def test_one_question_looks_at_no_more_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "LOOKED_AT", 3)
    world = World()
    for sport in range(1, 8):
        world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=sport, dport=80, flags="S"))
    looks, after = 0, None
    while True:
        rows, after = listing.newest(world.table, world.now, lambda _entry: False, 9, after)
        looks += 1
        assert rows == []
        if after is None:
            break
    assert looks == 3


def test_estimator_tends_to_ten_per_second() -> None:
    """V64, through the forwarder's own clock."""
    world = World(protocol="udp", ops=True)
    for second in range(60):
        for number in range(10):
            world.client(IP(src=CLIENT, dst=VIP) / UDP(sport=1000 + number, dport=80))
        world.now += 1.0
        world.forwarder.tick(world.now)
        assert second >= 0
    assert world.forwarder.total.estimator.rates()[0] in {9, 10}

from __future__ import annotations

import errno

import pytest

from director.l4.io.netlink import rtnetlink
from director.l4.io.netlink import view as kernel_view
from director.l4.io.netlink.rtnetlink import (
    Fact,
    InterfaceAddress,
    KernelLink,
    KernelRoute,
    Neighbour,
    RoutesChanged,
)
from director.l4.io.netlink.view import (
    AddressesChanged,
    KernelView,
    LinkChanged,
    NeighbourFailed,
    NeighbourKnown,
    RouteReturned,
    RouteVanished,
)

REAL, GATEWAY, SELF = b"\x0a\0\0\x0b", b"\x0a\0\0\xfe", b"\x0a\0\0\x01"
MAC, OTHER = b"\2\0\0\0\0\1", b"\2\0\0\0\0\2"
ETH0 = KernelLink(2, "eth0", MAC, 1500, up=True, running=True)
ROUTE = KernelRoute(2, SELF, b"", 0, local=False)


class Asker:
    """A kernel of three dicts."""

    def __init__(self) -> None:
        self.routes: dict[bytes, KernelRoute | type[OSError]] = {}
        self.facts: dict[int, list[Fact]] = {}
        self.resolved: list[tuple[int, bytes]] = []
        self.asked: list[bytes] = []

    def route(self, address: bytes) -> KernelRoute | None:
        self.asked.append(address)
        found = self.routes.get(address)
        if isinstance(found, type):
            raise found(errno.ENOBUFS, "no room")
        return found

    def dump(self, kind: int) -> list[Fact]:
        return self.facts.get(kind, [])

    def resolve(self, ifindex: int, address: bytes) -> None:
        self.resolved.append((ifindex, address))


@pytest.fixture
def asker() -> Asker:
    return Asker()


@pytest.fixture
def told() -> list[object]:
    return []


@pytest.fixture
def view(asker: Asker, told: list[object]) -> KernelView:
    return KernelView(asker, told.append)


def test_a_route_is_asked_for_once_and_again_after_a_change(view: KernelView, asker: Asker) -> None:
    asker.routes[REAL] = ROUTE
    assert [view.route(REAL), view.route(REAL)] == [ROUTE, ROUTE]
    assert asker.asked == [REAL]
    view.apply(RoutesChanged())
    asker.routes.clear()
    assert view.route(REAL) is None
    assert view.route(REAL) is None
    assert len(asker.asked) == 2


def test_an_error_is_not_remembered(view: KernelView, asker: Asker) -> None:
    asker.routes[REAL] = OSError
    assert view.route(REAL) is None
    asker.routes[REAL] = ROUTE
    assert view.route(REAL) == ROUTE
    assert view.counters.route_errors == 1


def test_the_memory_is_bounded(view: KernelView, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_view, "MAX_ROUTES", 10)
    for number in range(25):
        view.route(bytes([10, 0, 0, number]))
    assert len(view._routes) <= 10
    assert view.counters.route_memory_emptied == 2


def test_a_neighbour_is_known_changes_and_fails(view: KernelView, told: list[object]) -> None:
    hop = (2, REAL)
    view.apply(Neighbour(2, REAL, MAC, 0x02))
    view.apply(Neighbour(2, REAL, MAC, 0x04))
    assert view.mac(2, REAL) == MAC
    view.apply(Neighbour(2, REAL, OTHER, 0x02))
    assert view.mac(2, REAL) == OTHER
    view.apply(Neighbour(2, REAL, b"", 0x20))
    assert view.mac(2, REAL) is None
    assert told == [NeighbourKnown(hop, MAC), NeighbourKnown(hop, OTHER), NeighbourFailed(hop)]


def test_an_incomplete_entry_is_not_usable(view: KernelView, told: list[object]) -> None:
    view.apply(Neighbour(2, REAL, b"", 0x01))
    assert view.mac(2, REAL) is None
    assert told == []


def test_resolving_is_ordered_once_a_second(view: KernelView, asker: Asker) -> None:
    hop = (2, REAL)
    for now in (0.0, 0.5, 0.99, 1.0, 1.5):
        view.resolve(hop, now)
    assert asker.resolved == [hop, hop]


def test_used_neighbours_are_asked_again_but_not_fixed_ones(view: KernelView) -> None:
    view.apply(Neighbour(2, REAL, MAC, 0x02))
    view.apply(Neighbour(2, GATEWAY, OTHER, 0x80))
    assert view.due(10) == []
    view.mac(2, REAL)
    view.mac(2, GATEWAY)
    assert view.due(10) == [((2, REAL), MAC)]
    assert view.due(10) == []


def test_due_is_bounded_and_loses_nobody(view: KernelView) -> None:
    hops = [bytes([10, 0, 0, number]) for number in range(5)]
    for address in hops:
        view.apply(Neighbour(2, address, MAC, 0x02))
        view.mac(2, address)
    seen = [hop for _ in range(3) for hop, _mac in view.due(2)]
    assert sorted(seen) == [(2, address) for address in hops]


def test_neighbours_are_asked_from_an_address_with_a_network(view: KernelView) -> None:
    view.apply(InterfaceAddress(2, REAL, 32))
    assert view.source(2, 4) == REAL
    view.apply(InterfaceAddress(2, SELF, 24))
    assert view.source(2, 4) == SELF


def test_an_address_that_is_not_preferred_any_more(view: KernelView, told: list[object]) -> None:
    address = bytes.fromhex("20010db8000000000000000000000001")
    view.apply(InterfaceAddress(2, address, 128))
    assert not view.deprecated(address)
    view.apply(InterfaceAddress(2, address, 128, deprecated=True))
    assert view.deprecated(address)
    assert len([event for event in told if isinstance(event, AddressesChanged)]) == 2


def test_links_and_addresses(view: KernelView, told: list[object]) -> None:
    view.apply(ETH0)
    view.apply(ETH0)
    view.apply(InterfaceAddress(2, SELF, 24))
    assert view.named("eth0") == ETH0
    assert view.local() == {SELF}
    assert view.holders(SELF) == [2]
    assert view.connected(REAL) == [2]
    assert view.connected(b"\x0a\0\1\1") == []
    assert view.source(2, 4) == SELF
    assert view.source(2, 6) is None
    assert [event for event in told if isinstance(event, LinkChanged)] == [LinkChanged(ETH0, usable=True)]
    view.apply(InterfaceAddress(2, SELF, 24, gone=True))
    assert view.local() == frozenset()


def test_a_watched_way_vanishes_and_returns(view: KernelView, asker: Asker, told: list[object]) -> None:
    asker.routes[REAL] = ROUTE
    view.watch([REAL])
    view.settle()
    assert told == []
    asker.routes.clear()
    view.apply(RoutesChanged())
    view.apply(RoutesChanged())
    view.settle()
    assert view.unreachable() == [REAL]
    asker.routes[REAL] = ROUTE
    view.apply(RoutesChanged())
    view.settle()
    assert told == [RouteVanished(REAL), RouteReturned(REAL)]


def test_a_storm_of_changes_costs_one_look(view: KernelView, asker: Asker) -> None:
    view.watch([REAL])
    for _ in range(1000):
        view.apply(RoutesChanged())
    view.settle()
    view.settle()
    assert asker.asked == [REAL]


def test_reading_all_anew_forgets_what_is_gone(view: KernelView, asker: Asker, told: list[object]) -> None:
    asker.facts = {
        rtnetlink.GET_LINK: [ETH0],
        rtnetlink.GET_ADDRESS: [InterfaceAddress(2, SELF, 24)],
        rtnetlink.GET_NEIGHBOUR: [Neighbour(2, REAL, MAC, 2)],
    }
    view.read_all()
    assert view.mac(2, REAL) == MAC
    asker.facts = {}
    view.read_all()
    assert view.mac(2, REAL) is None
    assert view.links == {}
    assert view.local() == frozenset()
    assert [event.usable for event in told if isinstance(event, LinkChanged)] == [True, False]


@pytest.mark.parametrize("code", [errno.EEXIST, errno.EADDRNOTAVAIL, errno.ENODEV])
def test_what_is_so_already_is_no_error(code: int) -> None:
    assert kernel_view.is_missing(OSError(code, ""))
    assert not kernel_view.is_missing(OSError(errno.EPERM, ""))

from __future__ import annotations

from director.l4.routing import FixedLink, FixedRoute, Link, Route, Routing, RoutingTable
from tests.support.layer4_world import packed


def test_exact_then_longest_prefix() -> None:
    table = RoutingTable()
    table.networks = [(packed("0.0.0.0"), 0, FixedRoute(1)), (packed("10.0.0.0"), 8, FixedRoute(2))]
    table.routes[packed("10.0.0.1")] = FixedRoute(3, local=True)
    found = [table.route(packed(one)) for one in ("10.0.0.1", "10.0.0.2", "192.0.2.1", "::1")]
    assert [one.ifindex if one else None for one in found] == [3, 2, 1, None]


def test_values_have_the_shape_of_the_protocols() -> None:
    routing: Routing = RoutingTable(
        links={1: FixedLink(b"\2\0\0\0\0\1")}, neighbours={(1, b"abcd"): b"\2\0\0\0\0\2"}
    )
    route: Route = FixedRoute(1)
    link: Link = routing.links[1]
    assert (link.mtu, route.gateway, routing.mac(1, b"abcd"), routing.mac(2, b"abcd")) == (
        1500,
        b"",
        b"\2\0\0\0\0\2",
        None,
    )

"""Routes, neighbours and interfaces as the forwarder asks for them.

Protocols for what the shell fills from netlink (`l4.io.kernel.KernelView` has this shape), and
`RoutingTable`, a plain implementation for tests and simulations.  Addresses are packed: 4 or 16 bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from attrs import define, field, frozen


class Route(Protocol):
    """The way to one destination."""

    @property
    def ifindex(self) -> int:
        """The interface it leaves by."""

    @property
    def source(self) -> bytes:
        """The host's own address for it; empty when the kernel named none."""

    @property
    def gateway(self) -> bytes:
        """The next hop; empty when the destination is on the link."""

    @property
    def mtu(self) -> int:
        """A limit of the route itself; 0 = the interface's."""

    @property
    def local(self) -> bool:
        """True when the destination is one of the host's own addresses."""


class Link(Protocol):
    """One interface."""

    @property
    def mac(self) -> bytes:
        """Its link-layer address: 6 bytes."""

    @property
    def mtu(self) -> int:
        """The largest IP packet it carries."""


class Routing(Protocol):
    """What the forwarder asks about the network; answers must be cheap (a dict look-up)."""

    @property
    def links(self) -> Mapping[int, Link]:
        """Interfaces by index."""

    def route(self, destination: bytes) -> Route | None:
        """The way to `destination`, or None when there is none."""

    def mac(self, ifindex: int, address: bytes) -> bytes | None:
        """The link-layer address of a neighbour, or None while it is unknown."""


@frozen
class FixedRoute:
    """A `Route` as a value."""

    ifindex: int
    source: bytes = b""
    gateway: bytes = b""
    mtu: int = 0
    local: bool = False


@frozen
class FixedLink:
    """A `Link` as a value."""

    mac: bytes
    mtu: int = 1500


@define
class RoutingTable:
    """A `Routing` that is filled by hand: routes by exact destination, then the longest prefix.

    `networks` are (packed network, prefix length, route).
    """

    links: dict[int, FixedLink] = field(factory=dict)
    routes: dict[bytes, FixedRoute] = field(factory=dict)
    networks: list[tuple[bytes, int, FixedRoute]] = field(factory=list)
    neighbours: dict[tuple[int, bytes], bytes] = field(factory=dict)

    def route(self, destination: bytes) -> FixedRoute | None:
        """The way to `destination`."""
        found = self.routes.get(destination)
        if found is not None:
            return found
        fitting = [one for one in self.networks if _inside(destination, one[0], one[1])]
        return max(fitting, key=lambda one: one[1])[2] if fitting else None

    def mac(self, ifindex: int, address: bytes) -> bytes | None:
        """The link-layer address of a neighbour."""
        return self.neighbours.get((ifindex, address))


def _inside(address: bytes, network: bytes, prefix: int) -> bool:
    if len(address) != len(network):
        return False
    shift = 8 * len(address) - prefix
    return int.from_bytes(address, "big") >> shift == int.from_bytes(network, "big") >> shift

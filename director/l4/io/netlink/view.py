"""The kernel's links, addresses, neighbours and routes as the forwarder sees them.

`KernelView` keeps dicts that netlink's events hold current, asks the kernel on a miss (a route
costs 3 us), and says what happened as values.  It sends nothing but netlink messages; the
owner of the ports asks neighbours again (`due`), because traffic that the director sends
by itself never confirms an entry of the kernel.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable
from typing import Protocol

from attrs import define, frozen

from director.l4.io.netlink import rtnetlink
from director.l4.io.netlink.rtnetlink import (
    Fact,
    InterfaceAddress,
    KernelLink,
    KernelRoute,
    Neighbour,
    RoutesChanged,
)
from director.l4.io.packet.pending import Hop

MAX_ROUTES = 65536
"""Destinations remembered; a flood from invented addresses empties the memory, it never grows."""
RETRY = 1.0
"""Seconds between two orders to resolve one neighbour."""


@frozen
class LinkChanged:
    """An interface came, went, or went up or down; `usable` = present, up and running."""

    link: KernelLink
    usable: bool


@frozen
class NeighbourKnown:
    """The link-layer address of a next hop was learnt or changed."""

    hop: Hop
    mac: bytes


@frozen
class NeighbourFailed:
    """A next hop does not answer."""

    hop: Hop


@frozen
class AddressesChanged:
    """The host's own addresses are others now."""

    change: InterfaceAddress


@frozen
class RouteVanished:
    """There is no way to a watched destination any more."""

    destination: bytes


@frozen
class RouteReturned:
    """There is a way to a watched destination again."""

    destination: bytes


Event = LinkChanged | NeighbourKnown | NeighbourFailed | AddressesChanged | RouteVanished | RouteReturned


class Asker(Protocol):
    """What the view needs of `netlink.NetlinkSocket`."""

    def route(self, address: bytes) -> KernelRoute | None:
        """The kernel's route."""

    def dump(self, kind: int) -> list[Fact]:
        """All of a kind."""

    def resolve(self, ifindex: int, address: bytes) -> None:
        """Start resolving."""


@define
class ViewCounters:
    """How often the kernel had to be asked."""

    route_queries: int = 0
    route_errors: int = 0
    route_memory_emptied: int = 0
    resolutions: int = 0
    resolution_errors: int = 0
    resyncs: int = 0


class KernelView:
    """Links, addresses, neighbours and routes of this network namespace."""

    def __init__(self, asker: Asker, tell: Callable[[Event], None]) -> None:
        """`tell` gets every event, after the dicts have been brought up to date."""
        self.counters = ViewCounters()
        self.links: dict[int, KernelLink] = {}
        self._asker, self._tell = asker, tell
        self._addresses: dict[tuple[int, bytes], InterfaceAddress] = {}
        self._held: dict[bytes, list[InterfaceAddress]] | None = None
        self._with_network: list[InterfaceAddress] | None = None
        self._macs: dict[Hop, bytes] = {}
        self._fixed: set[Hop] = set()
        self._routes: dict[bytes, KernelRoute | None] = {}
        self._watched: dict[bytes, bool] = {}
        self._asked: dict[Hop, float] = {}
        self._used: set[Hop] = set()
        self._unsettled = False

    # --- what the forwarder asks ------------------------------------------------------------

    def route(self, destination: bytes) -> KernelRoute | None:
        """The way to packed `destination`; None when there is none."""
        try:
            return self._routes[destination]
        except KeyError:
            return self._ask_route(destination)

    def mac(self, ifindex: int, address: bytes) -> bytes | None:
        """The link-layer address of a neighbour, or None while it is unknown."""
        hop = (ifindex, address)
        found = self._macs.get(hop)
        if found is not None:
            self._used.add(hop)
        return found

    def _ask_route(self, destination: bytes) -> KernelRoute | None:
        if len(self._routes) >= MAX_ROUTES:
            self._routes.clear()
            self.counters.route_memory_emptied += 1
        self.counters.route_queries += 1
        try:
            found = self._asker.route(destination)
        except OSError:
            self.counters.route_errors += 1
            return None
        self._routes[destination] = found
        return found

    # --- what the director asks -------------------------------------------------------------

    def named(self, interface: str) -> KernelLink | None:
        """The link of that name, or None."""
        return next((link for link in self.links.values() if link.name == interface), None)

    def local(self) -> frozenset[bytes]:
        """The host's own addresses, packed."""
        return frozenset(address for _ifindex, address in self._addresses)

    def holders(self, address: bytes) -> list[int]:
        """Indexes of the interfaces that have `address`."""
        return [one.ifindex for one in self._by_address().get(address, ())]

    def deprecated(self, address: bytes) -> bool:
        """No interface has `address` as one to speak from."""
        return all(one.deprecated for one in self._by_address().get(address, ()))

    def connected(self, address: bytes) -> list[int]:
        """The interfaces on whose own networks `address` lies, each once."""
        number, bits = int.from_bytes(address, "big"), 8 * len(address)
        found: list[int] = []
        for known in self._networks():
            shift = bits - known.prefix
            if len(known.address) != len(address):
                continue
            if int.from_bytes(known.address, "big") >> shift == number >> shift:
                found.append(known.ifindex)
        return list(dict.fromkeys(found))

    def _by_address(self) -> dict[bytes, list[InterfaceAddress]]:
        """Looked up from here, and forgotten with every change: virtual addresses may be many."""
        if self._held is None:
            self._held = {}
            for (_, address), one in self._addresses.items():
                self._held.setdefault(address, []).append(one)
        return self._held

    def _networks(self) -> list[InterfaceAddress]:
        if self._with_network is None:
            every = self._addresses.values()
            self._with_network = [one for one in every if one.prefix < 8 * len(one.address)]
        return self._with_network

    def source(self, ifindex: int, version: int) -> bytes | None:
        """One of the host's addresses on an interface, to ask neighbours with; None = none there.

        One with a network before one without: a virtual address is not for that.
        """
        size = 4 if version == 4 else 16
        found = [
            one
            for (index, address), one in self._addresses.items()
            if index == ifindex and len(address) == size
        ]
        best = max(found, key=lambda one: one.prefix < 8 * size, default=None)
        return None if best is None else best.address

    def resolve(self, hop: Hop, now: float) -> None:
        """Make the kernel find a neighbour; at most one order a second for each."""
        if now - self._asked.get(hop, -RETRY) < RETRY:
            return
        if len(self._asked) >= MAX_ROUTES:
            self._asked.clear()
        self._asked[hop] = now
        self.counters.resolutions += 1
        try:
            self._asker.resolve(*hop)
        except OSError:
            self.counters.resolution_errors += 1

    def due(self, limit: int) -> list[tuple[Hop, bytes]]:
        """Up to `limit` neighbours used since the last call, with their addresses, to be asked again."""
        hops = [hop for hop in self._used if hop not in self._fixed][:limit]
        self._used.difference_update(hops)
        return [(hop, self._macs[hop]) for hop in hops if hop in self._macs]

    def watch(self, destinations: Iterable[bytes]) -> None:
        """Tell when the way to one of these vanishes or returns; replaces what was watched.

        A destination without a way is told at the next `settle`.
        """
        before = self._watched
        self._watched = {one: before.get(one, True) for one in destinations}
        self._unsettled = True

    def unreachable(self) -> list[bytes]:
        """The watched destinations that have no way now."""
        return [destination for destination, reachable in self._watched.items() if not reachable]

    # --- what netlink tells -------------------------------------------------------------------

    def read_all(self) -> None:
        """Read links, addresses and neighbours anew: at the start, and when events were lost."""
        self.counters.resyncs += 1
        facts = [
            *self._asker.dump(rtnetlink.GET_LINK),
            *self._asker.dump(rtnetlink.GET_ADDRESS),
            *self._asker.dump(rtnetlink.GET_NEIGHBOUR),
        ]
        self._forget_absent(facts)
        for said in facts:
            self.apply(said)
        self.apply(RoutesChanged())

    def apply(self, said: Fact) -> None:
        """Bring the dicts up to date with one fact, and tell what follows from it."""
        if isinstance(said, Neighbour):
            self._apply_neighbour(said)
        elif isinstance(said, KernelLink):
            self._apply_link(said)
        elif isinstance(said, InterfaceAddress):
            self._apply_address(said)
        elif isinstance(said, RoutesChanged):
            self._routes.clear()
            self._unsettled = True

    def settle(self) -> None:
        """Look again at the watched destinations, if anything changed; a storm of events costs one look."""
        if self._unsettled:
            self._unsettled = False
            self._look_again()

    def _forget_absent(self, facts: list[Fact]) -> None:
        """What the kernel did not name is gone."""
        links = {one.ifindex for one in facts if isinstance(one, KernelLink)}
        addresses = {(one.ifindex, one.address) for one in facts if isinstance(one, InterfaceAddress)}
        hops = {(one.ifindex, one.address) for one in facts if isinstance(one, Neighbour)}
        for address in [one for key, one in self._addresses.items() if key not in addresses]:
            self._apply_address(InterfaceAddress(address.ifindex, address.address, address.prefix, gone=True))
        for hop in [hop for hop in self._macs if hop not in hops]:
            self._forget(hop)
        for link in [link for ifindex, link in self.links.items() if ifindex not in links]:
            self._apply_link(
                KernelLink(link.ifindex, link.name, link.mac, link.mtu, up=False, running=False, gone=True)
            )

    def _apply_link(self, link: KernelLink) -> None:
        before = self.links.pop(link.ifindex, None)
        if not link.gone:
            self.links[link.ifindex] = link
        if link != before:
            self._routes.clear()
            self._unsettled = True
            self._tell(LinkChanged(link, usable=link.up and link.running and not link.gone))

    def _apply_address(self, change: InterfaceAddress) -> None:
        key = (change.ifindex, change.address)
        known = self._addresses.get(key)
        if change.gone:
            self._addresses.pop(key, None)
        else:
            self._addresses[key] = change
        self._held = self._with_network = None
        if (known is not None) == change.gone or (
            known is not None and known.deprecated != change.deprecated
        ):
            self._routes.clear()
            self._tell(AddressesChanged(change))

    def _apply_neighbour(self, neighbour: Neighbour) -> None:
        hop = (neighbour.ifindex, neighbour.address)
        if neighbour.mac and neighbour.state & rtnetlink.NUD_USABLE:
            if neighbour.state & rtnetlink.NUD_FIXED:
                self._fixed.add(hop)
            if self._macs.get(hop) != neighbour.mac:
                self._macs[hop] = neighbour.mac
                self._asked.pop(hop, None)
                self._tell(NeighbourKnown(hop, neighbour.mac))
            return
        self._forget(hop)
        if neighbour.state & rtnetlink.NUD_FAILED:
            self._tell(NeighbourFailed(hop))

    def _forget(self, hop: Hop) -> None:
        self._macs.pop(hop, None)
        self._fixed.discard(hop)
        self._used.discard(hop)
        self._asked.pop(hop, None)

    def _look_again(self) -> None:
        """Ask for the watched destinations anew; tell of those whose way came or went."""
        for destination, before in list(self._watched.items()):
            reachable = self.route(destination) is not None
            if reachable != before:
                self._watched[destination] = reachable
                self._tell(RouteReturned(destination) if reachable else RouteVanished(destination))


def is_missing(error: OSError) -> bool:
    """True when an order failed because what it named is already as ordered."""
    return error.errno in {errno.EEXIST, errno.EADDRNOTAVAIL, errno.ENODEV}

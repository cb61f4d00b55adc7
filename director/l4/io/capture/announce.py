"""Tell the neighbours that an address is here now: gratuitous ARP and unsolicited advertisements.

Who has spoken with the director that had the address before keeps its link-layer address for up to a
minute; these frames end that at once (RFC 5227, 3; RFC 4861, 7.2.6).  They are lost without a trace on a
link whose switch is still learning, so each is repeated.  `Announcer` knows when; its owner sends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import ip_address

from director.l4.io import sysctl
from director.l4.io.capture.addresses import LOOPBACK, Pair, linked
from director.l4.io.capture.install import CaptureOutcome
from director.l4.io.netlink import neighbours
from director.l4.io.netlink.rtnetlink import KernelLink
from director.l4.io.netlink.view import KernelView
from director.l4.wire import ethernet, ipv6
from director.l4.wire.checksum import checksum, pseudo

AFTER = (0.0, 0.25, 1.0, 3.0, 7.0)
"""Seconds after an address was put on at which it is announced."""
EACH_TURN = 256
"""Frames sent at a time; more addresses than that have their turn at the next."""
_ICMPV6, _ADVERTISEMENT, _TARGET_MAC = 58, 136, 2
_ROUTER, _OVERRIDE = 0x80, 0x20
_ALL_NODES = bytes.fromhex("ff020000000000000000000000000001")
_ALL_NODES_MAC = bytes.fromhex("333300000001")
_HOPS = 255
"""An advertisement from farther away is none (RFC 4861, 7.1.2)."""


def advertisement(mac: bytes, address: bytes, *, router: bool) -> bytes:
    """A frame to all nodes that says: `address` is at `mac`, whatever you knew (RFC 4861, 4.4)."""
    flags = _OVERRIDE | (_ROUTER if router else 0)
    body = bytearray((_ADVERTISEMENT, 0, 0, 0, flags, 0, 0, 0)) + address
    body += bytes((_TARGET_MAC, 1)) + mac
    total = checksum(body, pseudo(address, _ALL_NODES, _ICMPV6, len(body)))
    body[2:4] = total.to_bytes(2, "big")
    head = ipv6.build(address, _ALL_NODES, _ICMPV6, len(body), hops=_HOPS)
    return ethernet.header(_ALL_NODES_MAC, mac, ethernet.IPV6) + bytes(head) + bytes(body)


def announcement(mac: bytes, address: bytes, *, router: bool) -> bytes:
    """The frame that announces packed `address`."""
    if len(address) == 16:
        return advertisement(mac, address, router=router)
    return neighbours.request(mac, address, address)


def links(view: KernelView, pair: Pair, read: Sequence[str]) -> list[KernelLink]:
    """Where the neighbours of an address are; `read` are the interfaces that are read.

    One on `lo` is answered for on all of them, and those are asked on whose networks it lies, if any.
    """
    interface, address = pair[0], ip_address(pair[1])
    if address.is_loopback:
        return []
    names = [interface] if interface != LOOPBACK else linked(view, address) or list(read)
    found = (view.named(name) for name in names)
    return [link for link in found if link is not None and len(link.mac) == 6]


class Announcer:
    """Which addresses are to be announced, and when.

    `read` are the names of the interfaces that are read, `send` sends a frame out of a link.
    """

    def __init__(
        self, view: KernelView, read: Callable[[], Sequence[str]], send: Callable[[KernelLink, bytes], object]
    ) -> None:
        self._view, self._read, self._send = view, read, send
        self._held: tuple[Pair, ...] = ()
        self._due: dict[Pair, list[float]] = {}
        self._usable: set[int] = set()

    def applied(self, applied: CaptureOutcome, now: float) -> None:
        """These are held, and some of them have just been put on."""
        self._held = applied.held
        held = set(applied.held)
        self._due = {pair: times for pair, times in self._due.items() if pair in held}
        self._begin(applied.put, now)

    def link(self, link: KernelLink, now: float, *, usable: bool) -> None:
        """A link came back: behind it, nobody heard what was said meanwhile."""
        before = link.ifindex in self._usable
        (self._usable.add if usable else self._usable.discard)(link.ifindex)
        if usable and not before:
            read = self._read()
            self._begin([pair for pair in self._held if link in links(self._view, pair, read)], now)

    def turn(self, now: float) -> None:
        """Say what is due."""
        count, read = 0, self._read()
        for pair in [pair for pair, times in self._due.items() if times[0] <= now]:
            times = self._due[pair] = [when for when in self._due[pair] if when > now]
            if not times:
                del self._due[pair]
            packed = ip_address(pair[1]).packed
            for link in links(self._view, pair, read):
                count += 1
                self._send(link, announcement(link.mac, packed, router=sysctl.forwards_v6(link.name)))
            if count >= EACH_TURN:
                return

    def _begin(self, pairs: Sequence[Pair], now: float) -> None:
        for pair in pairs:
            self._due[pair] = [now + seconds for seconds in AFTER]
        self.turn(now)

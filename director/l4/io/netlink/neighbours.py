"""The one packet that the shell makes by itself: an ARP request (RFC 826).

Traffic that leaves by a packet socket never confirms a neighbour entry of the kernel, so a
server that changed its link-layer address would lose packets until the entry aged.  The
director asks for the next hops it uses; the kernel takes the answers into its own table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from director.l4.io.netlink.view import KernelView
from director.l4.io.packet.ring import Port

LIMIT = 64
"""Neighbours asked at a time; the others have their turn at the next."""
_BROADCAST = b"\xff" * 6
_HEAD = bytes.fromhex("0001 0800 06 04 0001")


def request(mac: bytes, source: bytes, target: bytes) -> bytes:
    """An Ethernet frame asking who has IPv4 `target`, from `source` at link-layer address `mac`."""
    frame = _BROADCAST + mac + b"\x08\x06" + _HEAD + mac + source + bytes(6) + target
    return frame.ljust(60, b"\0")


class Prober(Protocol):
    """What is needed of `netlink.NetlinkSocket`."""

    def probe(self, ifindex: int, address: bytes) -> None:
        """Have the kernel ask a known neighbour; raises OSError."""


def ask_again(view: KernelView, ports: Mapping[int, Port], prober: Prober) -> None:
    """Ask the neighbours used since the last call: IPv4 by our own request, IPv6 by the kernel's."""
    for (ifindex, address), _mac in view.due(LIMIT):
        port, link = ports.get(ifindex), view.links.get(ifindex)
        source = view.source(ifindex, 4) if len(address) == 4 else None
        if source and port and link:
            port.transmit(request(link.mac, source, address))
            continue
        try:
            prober.probe(ifindex, address)
        except OSError:
            view.counters.resolution_errors += 1

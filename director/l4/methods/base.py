"""What every forwarding method works with, and the steps they share (`lvs-semantics` E).

`admit` and the checks run on the packet as it came, so that an ICMP error can quote it.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from director.l4.icmp import Error, Icmp
from director.l4.verdicts import Deliver, Redirect, Verdict
from director.l4.wire import ipv4
from director.l4.wire.checksum import FULL, delta, ones_sum
from director.l4.wire.ethernet import IPV4, L3

if TYPE_CHECKING:
    from director.l4.flows import Track
    from director.l4.output import Exits, Way
    from director.l4.settings import Settings
    from director.l4.states.transitions import States
    from director.l4.wire.packet import Packet

FRESH = 1.0
"""Seconds a track uses its route and MAC before it asks again: the longest a moved neighbour is missed."""
TTL_CHANGE = 0x0100
"""What a TTL lowered by one adds to the checksum of the header."""
HOST = Deliver("local")


class Means:
    """Ways out, ICMP errors, settings and a source of identifications."""

    def __init__(self, exits: Exits, icmp: Icmp, settings: Settings, states: States, random: Random) -> None:
        self.exits = exits
        self.icmp = icmp
        self.settings = settings
        self.states = states
        self.random = random


def passable(
    packet: Packet, mtu: int, now: float, means: Means, *, ignore_df: bool = False
) -> Verdict | None:
    """TTL and MTU checks; the verdict that ends the packet, or None when it may go on."""
    if packet.ttl <= 1:
        return means.icmp.answer(packet, Error.TIME_EXCEEDED, now)
    if packet.df and packet.segment > mtu and not packet.icmp and not packet.pieces and not ignore_df:
        return means.icmp.answer(packet, Error.TOO_BIG, now, mtu)
    return None


def lower(packet: Packet) -> None:
    """TTL or hop limit minus one."""
    if packet.family == IPV4:
        ipv4.lower_ttl(packet.frame)
    else:
        packet.frame[L3 + 7] -= 1


def quicken(track: Track, way: Way, now: float, put: bytes, means: Means) -> None:
    """Let the hot path carry the following packets of this direction, if any can find it, for a while."""
    if way.mac is None or way.local or not track.key:
        return
    track.macs = way.mac + way.own
    track.mtu = way.mtu
    if track.verdict.ifindex != way.ifindex:
        track.verdict = Redirect(way.ifindex)
    track.calm = means.states.calm(track.flow, track.direction)
    if track.put != put:
        _precompute(track, put)
    track.until = now + FRESH


def _precompute(track: Track, put: bytes) -> None:
    """What replacing the key by `put` does to the checksums, which are complements, and to partial ones."""
    own = track.key
    ports = len(own) - 4
    track.put = put
    track.total = ones_sum(own[:ports]) + FULL - IPV4
    track.change_partial = delta(own[:ports], put[:ports])
    track.change_l4 = 0 if put == own else FULL - delta(own, put) or FULL
    track.change_ip = FULL - track.change_partial + TTL_CHANGE

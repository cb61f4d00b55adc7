"""What every forwarding method works with, and the steps they share (`lvs-semantics` E).

`admit` and the checks run on the packet as it came, so that an ICMP error can quote it.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from director.l4.icmp import Error, Icmp
from director.l4.verdicts import Deliver, Install, Outcome, Verdict
from director.l4.wire import ipv4
from director.l4.wire.checksum import FULL, delta, ones_sum
from director.l4.wire.ethernet import IPV4, L3

if TYPE_CHECKING:
    from director.l4.flows import FastPathEntry
    from director.l4.output import NextHop, Output
    from director.l4.states.transitions import States
    from director.l4.wire.packet import Packet
    from director.model.virtual import L4Settings

TTL_CHANGE = 0x0100
"""What a TTL lowered by one adds to the checksum of the header."""
HOST = Deliver("local")


class MethodContext:
    """Ways out, ICMP errors, settings and a source of identifications."""

    def __init__(
        self, output: Output, icmp: Icmp, settings: L4Settings, states: States, random: Random
    ) -> None:
        self.output = output
        self.icmp = icmp
        self.settings = settings
        self.states = states
        self.random = random


def passable(
    packet: Packet, mtu: int, now: float, context: MethodContext, *, ignore_df: bool = False
) -> Outcome | None:
    """TTL and MTU checks; the verdict that ends the packet, or None when it may go on."""
    if packet.ttl <= 1:
        return context.icmp.answer(packet, Error.TIME_EXCEEDED, now)
    if packet.df and packet.segment > mtu and not packet.icmp and not packet.pieces and not ignore_df:
        return context.icmp.answer(packet, Error.TOO_BIG, now, mtu)
    return None


def lower(packet: Packet) -> None:
    """TTL or hop limit minus one."""
    if packet.family == IPV4:
        ipv4.lower_ttl(packet.frame)
    else:
        packet.frame[L3 + 7] -= 1


def prepared(
    fast: FastPathEntry, next_hop: NextHop, rewritten: bytes, context: MethodContext
) -> FastPathEntry | None:
    """The entry by which the following packets of this direction may go, if any can find it."""
    if next_hop.mac is None or next_hop.local or not fast.key:
        return None
    fast.macs = next_hop.mac + next_hop.own
    fast.mtu = next_hop.mtu
    fast.ifindex = next_hop.ifindex
    fast.keeps_state = context.states.keeps_state(fast.flow, fast.direction)
    if fast.rewritten != rewritten:
        _precompute(fast, rewritten)
    return fast


def carried(outcome: Outcome, entry: FastPathEntry | None) -> Verdict:
    """The packet goes as `outcome` says, and those after it by `entry`, if there is one."""
    return outcome if entry is None else Install(entry, outcome)


def _precompute(fast: FastPathEntry, rewritten: bytes) -> None:
    """What `rewritten` does in place of the key to checksums, which are complements, and to partial ones."""
    own = fast.key
    ports = len(own) - 4
    fast.rewritten = rewritten
    fast.total = ones_sum(own[:ports]) + FULL - IPV4
    fast.change_partial = delta(own[:ports], rewritten[:ports])
    fast.change_l4 = 0 if rewritten == own else FULL - delta(own, rewritten) or FULL
    fast.change_ip = FULL - fast.change_partial + TTL_CHANGE

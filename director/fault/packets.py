"""Which packets of a flow meet a fault (layer 4): by number, as everything in this room.

`hit` of a fault counts flows: each is asked for once, when its first packet since the start of the fault
comes by.  Where the action names a share (`drop 10%`) that is of the packets of each flow that is hit, and a
hash of seed, the flow's place and the packet's place in its direction decides; so what another flow does
moves nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.fault.choice import drawn
from director.model.conditions import terms

if TYPE_CHECKING:
    from director.model.drills import Fault, RunningFault

OF_PACKETS = frozenset({"drop", "delay", "duplicate", "reorder", "corrupt", "rst", "unreachable", "mtu_hole"})
"""What can happen to a packet of layer 4."""
HOLE = "mtu_hole"
"""Packets that are larger than so many octets vanish, and nobody says so (RFC 2923, 2.1)."""
TO_SERVER_ALONE = frozenset({"delay", "unreachable"})
"""What happens on the way to the server: so a round trip takes longer by a delay once, whether or not the
answers pass the director, too."""
_UDP = 17
_OF_STREAMS = frozenset({"rst"})
"""What a datagram does not know."""


class FlowFacts:
    """What a flow can be asked for in `when`."""

    __slots__ = ("client",)

    def __init__(self, client: str) -> None:
        self.client = client


def of_packets(fault: Fault) -> bool:
    """It can happen to packets; not where it asks for what packets do not have, or for times of answers."""
    action = fault.action
    known = all(term.fact == "client" for term in terms(fault.when)) and not action.times
    return known and action.kind in OF_PACKETS


def knows(fault: Fault, protocol: int) -> bool:
    """It means something to flows of this protocol (a number of IP)."""
    return protocol != _UDP or fault.action.kind not in _OF_STREAMS


class FlowFate:
    """One flow that is hit: how many of its packets came by, each direction for itself.

    `number` is the flow's place among those that came by.
    """

    __slots__ = ("_came", "_larger", "_one_way", "_seed", "_share", "number")

    def __init__(self, running: RunningFault, number: int) -> None:
        action = running.fault.action
        self.number = number
        self._seed = running.seed
        self._share = action.share
        self._one_way = action.kind in TO_SERVER_ALONE
        self._larger = (action.size or 0) if action.kind == HOLE else 0
        self._came = [0, 0]

    def next(self, length: int, *, outward: bool) -> str:
        """The number under which the next packet is hit, "" when it is spared.

        `length` is of the IP packet; `outward`: it is the server's.
        """
        if (outward and self._one_way) or length <= self._larger:
            return ""
        self._came[outward] += 1
        number = f"{self.number} {'out' if outward else 'in'} {self._came[outward]}"
        hit = self._share >= 1.0 or drawn(self._seed, f"packet {number}") < self._share
        return number if hit else ""

"""Which function carries out which method: the one place where a new method is entered (`lvs-semantics` E).

What is true of a method stands in `model.pools`; what it does with a packet is a file of this folder.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from director.l4.methods import bypass, dr, local, nat, tun
from director.model.pools import BYPASS, METHODS, Forward, Method

if TYPE_CHECKING:
    from director.l4.flows import Flow
    from director.l4.methods.base import MethodContext
    from director.l4.verdicts import Verdict
    from director.l4.wire.packet import Packet

Carry = Callable[["Packet", "Flow", bytes, float, "MethodContext"], "Verdict"]
"""A packet, its flow, its virtio header, the time, the context; the packet is rewritten in place."""

TO_SERVER: dict[Method, Carry] = {
    METHODS[Forward.NAT]: nat.to_server,
    METHODS[Forward.DR]: dr.to_server,
    METHODS[Forward.TUN]: tun.to_server,
    METHODS[Forward.LOCAL]: local.to_server,
    BYPASS: bypass.to_server,
}
"""What becomes of a client's packet."""
TO_CLIENT: dict[Method, Carry] = {METHODS[Forward.NAT]: nat.to_client}
"""What becomes of a server's packet, for the methods whose answers are rewritten."""

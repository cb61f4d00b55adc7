"""LOCAL: the host's own stack is the server; nothing of the packet changes (`lvs-semantics` E).

The server listens on the virtual address and port.  A server of any method whose address is the
host's own is treated the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.l4.methods.base import HOST, MethodContext
from director.l4.verdicts import Verdict

if TYPE_CHECKING:
    from director.l4.flows import Flow
    from director.l4.wire.packet import Packet


def to_server(packet: Packet, flow: Flow, offload: bytes, now: float, context: MethodContext) -> Verdict:
    """Let the host's stack have the packet, TTL and all."""
    return HOST

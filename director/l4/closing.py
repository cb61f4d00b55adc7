"""Cuts the flows of servers that went down, where their pool says `on_down = close`.

Flows of such a server are cut from the first moment: a packet of one is answered by `reset` and not
forwarded.  What this adds is the silent ones.  The whole table is gone through once for each time that
servers go down, a bounded number of entries with each tick, so that no packet waits for it.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from director.l4.flows import Entry, Flow, FlowTable
from director.l4.states import sctp, tcp
from director.l4.verdicts import Batch, Single, Verdict
from director.l4.wire.integrity import verified
from director.l4.wire.protocols import SCTP, TCP

if TYPE_CHECKING:
    from director.l4.reset import Reset
    from director.l4.services import Services
    from director.l4.states.transitions import States
    from director.l4.wire.packet import Packet
    from director.registry.live import RealServer

LOOKED_AT = 10_000
"""Entries that one tick looks at: a few milliseconds."""
CLOSED = {TCP: tcp.CLOSE, SCTP: sctp.CLOSED}
OPENING = {
    TCP: frozenset({tcp.NONE, tcp.SYN_SENT, tcp.SYN_RECV, tcp.SYNACK, tcp.LISTEN}),
    SCTP: frozenset(range(sctp.ESTABLISHED)),
}
"""States of a connection that is not established yet: who opens it tries again, and gets another server."""
OVER = {
    TCP: frozenset({tcp.TIME_WAIT, tcp.CLOSE, tcp.LAST_ACK}),
    SCTP: frozenset({sctp.CLOSED, sctp.REJECTED}),
}


class Closing:
    """Which servers are cut, and what is still to be gone through for them."""

    def __init__(
        self, table: FlowTable, services: Services, states: States, reset: Reset, random: Random
    ) -> None:
        self._table = table
        self._services = services
        self._states = states
        self._reset = reset
        self._random = random
        self._cut: frozenset[RealServer] = frozenset()
        self._waiting: list[Entry] = []

    def tick(self, now: float) -> Batch:
        """Look for servers that are cut, and go on with what is waiting."""
        cut = frozenset(one for one in self._services.closing if one.cut)
        if cut - self._cut:
            self._waiting = list(self._table.entries)
        self._cut = cut
        made: list[Single] = []
        for entry in self._waiting[-LOOKED_AT:]:
            if isinstance(entry, Flow) and not entry.dead and entry.cut:
                verdict = self._close(entry, now)
                if verdict is not None:
                    made.append(verdict)
        del self._waiting[-LOOKED_AT:]
        return Batch(tuple(made))

    def _close(self, flow: Flow, now: float) -> Single | None:
        """What is to be sent because of one flow."""
        if flow.state in OPENING.get(flow.protocol, ()):
            self._table.expire_now(flow)
            return None
        if flow.state in OVER.get(flow.protocol, ()):
            return None
        verdict = self._reset.probe(flow, self._random.getrandbits(32), now)
        self.closed(flow, now)
        return verdict

    def answer(self, packet: Packet, flow: Flow, now: float) -> Verdict:
        """A packet of a cut flow, from either end: its sender hears that the connection is no more."""
        if not packet.verified and not verified(packet):
            return self._reset.drop("bad_checksum")
        self.closed(flow, now)
        return self._reset.answer(packet, now)

    def closed(self, flow: Flow, now: float) -> None:
        """The flow is over: it counts as inactive, and stays a moment to answer what still comes.

        A protocol without states ends at once, so that its next packet gets another server.
        """
        state = CLOSED.get(flow.protocol)
        if state is None:
            self._table.expire_now(flow)
            return
        self._states.enter(flow, state)
        self._table.restart(flow, now)

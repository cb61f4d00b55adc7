"""Where the answers to one-packet datagrams go, when the director has to rewrite them (`ops = yes`, NAT).

A datagram scheduled by itself leaves no entry in the flow table (`lvs-semantics` C.4, V24), so IPVS does not
know the server's answer and lets it out as it is, to a client that never asked that address.  Here the answer
is expected for a while: `remember` when the datagram goes, `find` when a packet comes from a server.

Bounded: the oldest is forgotten first, and counted.  All of it takes time by age, so one dict in the order of
arrival is the whole of it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from director.l4.flows import key

if TYPE_CHECKING:
    from director.l4.flows import Flow

MOST = 65536
SECONDS = 10.0
"""How long an answer is expected; resolvers ask again after 5 (resolv.conf(5))."""


class OnePacketAnswers:
    """Datagrams that were sent to servers, by what an answer will carry.  `counters` gets what was lost."""

    def __init__(self, counters: Counter[str]) -> None:
        self._counters = counters
        self._sent: dict[tuple[int, bytes], Flow] = {}

    def __len__(self) -> int:
        return len(self._sent)

    def remember(self, flow: Flow) -> None:
        """`flow` sent its packet; its `stamp` is when."""
        place = flow.protocol, key(flow.target, flow.client, flow.dport, flow.cport)
        if self._sent.pop(place, None) is None and len(self._sent) >= MOST:
            del self._sent[next(iter(self._sent))]
            self._counters["one_packet_answers_forgotten"] += 1
        self._sent[place] = flow

    def find(self, protocol: int, wanted: bytes, now: float) -> Flow | None:
        """What a packet with this key answers; several may come to one datagram."""
        flow = self._sent.get((protocol, wanted))
        return flow if flow is not None and now - flow.stamp < SECONDS else None

    def expire(self, now: float) -> None:
        """Forget what is too old."""
        while self._sent:
            place = next(iter(self._sent))
            if now - self._sent[place].stamp < SECONDS:
                return
            del self._sent[place]

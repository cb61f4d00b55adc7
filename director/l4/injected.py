"""Faults that are injected into packets on purpose, between the director and a server (`fault` says whom).

Theory of operation.  What a fault does is done where the wire to the server would do it.  A packet to the
server has been counted and has moved the flow's state when it meets the fault; one that comes from the server
meets it before anything else, so one that is lost there moves nothing: the director is as wrong about the
flow as it would be in earnest.  Packets of servers that answer past the director meet nothing.

A flow whose server has a fault keeps to the general way: what is installed for it is forgotten when the fault
begins (`Forwarder.follow_faults`), and nothing new is installed while it runs.  So the hot path asks nothing,
and an engine that carries flows by itself (`io.engine`) has none of these.

Super-frames are cut into the packets that go on the wire, with their checksums completed, so that each packet
meets its own fate, and one that is corrupted has a wrong checksum, as behind a real wire (so does netem).

A RST ends the flow here, too: both ends hear what a host says that knows no such connection (`reset`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from typing import TYPE_CHECKING, NamedTuple, cast

from director.l4.flows import Flow
from director.l4.icmp import Error
from director.l4.methods.table import TO_SERVER
from director.l4.reset import as_reset
from director.l4.states import transitions
from director.l4.verdicts import Batch, Deliver, Install, Later, Outcome, Single, Verdict, batch
from director.l4.wire.integrity import verified
from director.l4.wire.parse import parse
from director.l4.wire.protocols import TCP, UDP
from director.l4.wire.segment import segments
from director.l4.wire.transport import ACK, RST

if TYPE_CHECKING:
    from director.l4.closing import Closing
    from director.l4.methods.base import MethodContext
    from director.l4.wire.packet import Packet

BEHIND = 0.05
"""Seconds that a packet waits for the next one of its flow to overtake it (`reorder`)."""
DROPPED, BROKEN = "injected_drop", "bad_checksum"
"""The reasons that are counted; a broken packet is dropped as any is whose checksum must be right."""
_LOST = frozenset({"drop", "mtu_hole"})
_ANSWERED = frozenset({"rst", "unreachable"})
"""Of packets cut out of one super-frame the first is answered, for all."""

Carry = Callable[["Packet", Flow, bytes, float], Verdict]


class _Way(NamedTuple):
    """What is done with a packet that goes on, and whether it comes from the server."""

    carry: Carry
    outward: bool


class InjectedFaults:
    """Does to packets what faults say."""

    def __init__(self, context: MethodContext, closing: Closing) -> None:
        self._context = context
        self._closing = closing
        self._behind: dict[tuple[int, bool], Later] = {}

    def to_server(self, packet: Packet, flow: Flow, offload: bytes, now: float) -> Verdict:
        """A packet that is about to leave for the server of its flow."""
        if not flow.server.injected.packets:
            return self._send(packet, flow, offload, now)
        return self._each(packet, flow, offload, now, _Way(self._send, outward=False))

    def from_server(self, packet: Packet, flow: Flow, offload: bytes, now: float, receive: Carry) -> Verdict:
        """A packet that comes from there; `receive` is what is done with one."""
        if not (flow.server.injected.packets and flow.method.answers_return):
            return receive(packet, flow, offload, now)
        return self._each(packet, flow, offload, now, _Way(receive, outward=True))

    def tick(self) -> None:
        """Forget packets that went when their time was over, for none came to overtake them."""
        self._behind = {place: later for place, later in self._behind.items() if later.waits}

    # -- inside --

    def _send(self, packet: Packet, flow: Flow, offload: bytes, now: float) -> Verdict:
        return TO_SERVER[flow.method](packet, flow, offload, now, self._context)

    def _each(self, packet: Packet, flow: Flow, offload: bytes, now: float, way: _Way) -> Outcome:
        """Every packet on the wire by itself."""
        made: list[Single] = []
        for one, left in _on_the_wire(packet, offload):
            injected = flow.server.injected.meet_packet(flow, one.length, outward=way.outward)
            kind = "" if injected is None else injected.action.kind
            if kind in _ANSWERED:
                return batch([*made, *_singles(self._answer(kind, one, flow, now, way))])
            outcome = self._carry(kind, one, flow, left, now, way)
            if kind == "delay":
                outcome = Later(injected.delay, outcome)
            made += self._in_turn(outcome, (flow.number, way.outward), waits=kind == "reorder")
        return batch(made)

    def _carry(self, kind: str, packet: Packet, flow: Flow, offload: bytes, now: float, way: _Way) -> Outcome:
        """One packet goes on: not at all, broken, twice, or as it is."""
        if kind in _LOST:
            return self._context.output.drop(DROPPED)
        if kind == "corrupt":
            if way.outward and packet.verified:
                return self._context.output.drop(BROKEN)
            # Addresses and ports are put into a sum by their difference, so a wrong one stays wrong.
            packet.frame[packet.end - 1] ^= 1
        again = copy(packet) if kind == "duplicate" else None
        if again is not None:
            again.frame = bytearray(packet.frame)
        outcome = _plain(way.carry(packet, flow, offload, now), packet)
        if again is None:
            return outcome
        return batch([*_singles(outcome), *_singles(_plain(way.carry(again, flow, offload, now), again))])

    def _answer(self, kind: str, packet: Packet, flow: Flow, now: float, way: _Way) -> Outcome:
        """One packet goes no further, and who sent it is told; by a RST the other end is, too."""
        if not packet.verified and not verified(packet):
            return self._context.output.drop(BROKEN)
        packet.verified = True
        if kind == "unreachable":
            transitions.unreachable(flow)
            error = Error.PORT_UNREACHABLE if packet.protocol == UDP else Error.HOST_UNREACHABLE
            return self._context.icmp.answer(packet, error, now)
        if packet.protocol == TCP and packet.tcp_flags & RST:
            return _plain(way.carry(packet, flow, b"", now), packet)
        if not way.outward:
            transitions.reset(flow)
        onward: tuple[Single, ...] = ()
        if packet.protocol == TCP and packet.tcp_flags & ACK:
            # Without an acknowledgement it opens the connection, which the server has not heard of.
            ended = as_reset(packet)
            onward = _singles(_plain(way.carry(ended, flow, b"", now), ended))
        return batch([*onward, *_singles(_plain(self._closing.answer(packet, flow, now), packet))])

    def _in_turn(self, outcome: Outcome, place: tuple[int, bool], *, waits: bool) -> tuple[Single, ...]:
        """A packet, and behind it the one that let it go first; or none, if this one lets the next do so."""
        before = self._behind.pop(place, None)
        overtaken = before.take() if before is not None else None
        if overtaken is not None:
            return (*_singles(outcome), *_singles(overtaken))
        if not waits:
            return _singles(outcome)
        later = self._behind[place] = Later(BEHIND, outcome)
        return (later,)


def _on_the_wire(packet: Packet, offload: bytes) -> Iterator[tuple[Packet, bytes]]:
    """The packets that a frame stands for, with what is left of its virtio header."""
    if not any(offload):
        yield packet, offload
        return
    for frame in segments(packet):
        one = parse(frame)
        one.tag, one.tag_ifindex, one.verified = packet.tag, packet.tag_ifindex, packet.verified
        yield one, b""


def _plain(verdict: Verdict, packet: Packet) -> Outcome:
    """The same for this packet alone: nothing is installed, and what is the host's comes as it is here."""
    if isinstance(verdict, Install):
        return verdict.verdict
    if isinstance(verdict, Deliver):
        return Deliver(verdict.why, packet.frame)
    # Only the hot path answers with an entry.
    return cast("Outcome", verdict)


def _singles(outcome: Outcome) -> tuple[Single, ...]:
    return outcome.verdicts if isinstance(outcome, Batch) else (outcome,)

"""Defences against floods: drop_entry, drop_packet, secure_tcp, room in a full table (C.6).

The forwarder calls `second` every second with the free memory in pages.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from director.l4.flows import Entry, Flow, FlowTable, Template
from director.l4.icmp import group
from director.l4.states import sctp, tcp
from director.l4.wire.protocols import SCTP, TCP

if TYPE_CHECKING:
    from director.l4.wire.packet import Packet
    from director.model.virtual import L4Settings

OFF, AUTO, AUTO_ACTIVE, ALWAYS = range(4)
"""Modes of the three defences: 1 becomes 2 while memory is low."""
SHARE = 32
"""drop_entry looks at one entry in so many each second."""
CANDIDATES = 64
"""Entries looked at for room when the table is full."""
IDLE = 60.0
"""Seconds a flow must have been silent before it may be dropped by its packet count."""
MAX_PACKETS = 8

_HALF_OPEN = {TCP: {tcp.SYN_RECV, tcp.SYNACK}, SCTP: {sctp.INIT1, sctp.INIT}}
_ESTABLISHED = {TCP: tcp.ESTABLISHED, SCTP: sctp.ESTABLISHED}


class Defence:
    """The modes in force and what they do.  `entries_dropped` and `made_room` count."""

    def __init__(self, settings: L4Settings, table: FlowTable, random: Random) -> None:
        self._table = table
        self._random = random
        self.rate = 0
        self.entries_dropped = 0
        self.made_room = 0
        self._count = 0
        self._todrop = [0] * (MAX_PACKETS + 1)
        self.configure(settings)

    def configure(self, settings: L4Settings) -> None:
        """Take over modes, rate and threshold."""
        self._rate_always = settings.am_droprate
        self._threshold = settings.amemthresh
        self.drop_entry = settings.drop_entry
        self.drop_packet = settings.drop_packet
        self.secure_tcp = settings.secure_tcp
        self._set_rate(self._threshold + 1)

    @property
    def secure(self) -> bool:
        """The secure TCP table is in force."""
        return self.secure_tcp >= AUTO_ACTIVE

    def second(self, available: int, now: float) -> None:
        """One second passed; `available` pages of memory are free."""
        low = available < self._threshold
        self.drop_entry = _mode(self.drop_entry, low)
        self.drop_packet = _mode(self.drop_packet, low)
        self.secure_tcp = _mode(self.secure_tcp, low)
        self._set_rate(available)
        if self.drop_entry >= AUTO_ACTIVE:
            self._thin_out(now)

    def drops(self) -> bool:
        """True for each packet about to open a flow that drop_packet wants gone."""
        if not self.rate:
            return False
        self._count -= 1
        if self._count > 0:
            return False
        self._count = self.rate
        return True

    def make_room(self, now: float) -> bool:
        """Drop one entry of a full table that matters least; False when none may go.

        Of a few random ones, half-open flows go first, then whichever is not established and nearest
        to its end.  Established flows and controllers stay: a flood must not cost a working client.
        """
        entries = self._table.entries
        best: Entry | None = None
        for _ in range(min(CANDIDATES, len(entries))):
            entry = entries[self._random.randrange(len(entries))]
            if not _spare(entry):
                continue
            if isinstance(entry, Flow) and entry.state in _HALF_OPEN.get(entry.protocol, ()):
                best = entry
                break
            if best is None or entry.deadline < best.deadline:
                best = entry
        if best is None:
            return False
        self._table.expire_now(best)
        self.made_room += 1
        return True

    def _set_rate(self, available: int) -> None:
        if self.drop_packet == ALWAYS:
            self.rate = self._rate_always
        elif self.drop_packet == AUTO_ACTIVE:
            self.rate = max(1, self._threshold // max(1, self._threshold - available))
        else:
            self.rate = 0

    def _thin_out(self, now: float) -> None:
        """Look at a share of the table from a random place on, and drop what may go."""
        entries = self._table.entries
        if not entries:
            return
        start = self._random.randrange(len(entries))
        count = max(1, len(entries) // SHARE)
        chosen = [entries[(start + step) % len(entries)] for step in range(count)]
        for entry in chosen:
            if not entry.dead and not entry.controls and self._unwanted(entry, now):
                self._table.expire_now(entry)
                self.entries_dropped += 1

    def _unwanted(self, entry: Entry, now: float) -> bool:
        if isinstance(entry, Template):
            return not entry.assured
        if not isinstance(entry, Flow):
            return False
        if entry.state in _HALF_OPEN.get(entry.protocol, ()):
            return True
        if entry.protocol == SCTP and entry.state != sctp.ESTABLISHED:
            return False
        return self._to_drop(entry, now)

    def _to_drop(self, flow: Flow, now: float) -> bool:
        """Each i-th of the silent flows with i packets, for i up to 8."""
        number = flow.in_pkts
        if now - flow.stamp < IDLE or not 0 < number <= MAX_PACKETS:
            return False
        self._todrop[number] -= 1
        if self._todrop[number] > 0:
            return False
        self._todrop[number] = number
        return True


def _mode(mode: int, low: bool) -> int:
    if mode == AUTO and low:
        return AUTO_ACTIVE
    if mode == AUTO_ACTIVE and not low:
        return AUTO
    return mode


def _spare(entry: Entry) -> bool:
    """It may go when the table is full."""
    if entry.controls:
        return False
    if isinstance(entry, Template):
        return not entry.assured
    return isinstance(entry, Flow) and _ESTABLISHED.get(entry.protocol) != entry.state


LOOPBACK_V6 = bytes(15) + b"\1"


def martian(packet: Packet) -> str:
    """Why nobody honest sends from this source; empty when somebody may."""
    source = packet.source
    if source == packet.destination:
        return "land"
    if group(source) or (source[0] == 127 and len(source) == 4) or source == LOOPBACK_V6:
        return "martian_source"
    return ""

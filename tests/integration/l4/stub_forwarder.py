"""A forwarder of eighty lines for tests of the shell alone: one TCP or UDP service, one server, DR or NAT."""

from __future__ import annotations

import struct

from director.l4.io.kernel import KernelView
from director.l4.verdicts import Deliver, Drop, Hold, Transmit, Verdict

_WORD = struct.Struct("!H")


def _fold(value: int) -> int:
    value = (value & 0xFFFF) + (value >> 16)
    return (value & 0xFFFF) + (value >> 16)


class StubForwarder:
    """Forwards `vip:vport` to `rip:rport` by `method` (dr or nat), without any state but the addresses."""

    def __init__(self, view: KernelView, method: str, vip: bytes, vport: int, rip: bytes, rport: int) -> None:
        self.view, self.method = view, method
        self.vip, self.vport, self.rip, self.rport = vip, vport, rip, rport

    def tick(self, now: float) -> None:
        """Nothing ages here."""

    def receive(self, frame: bytearray, ifindex: int, now: float, offload: bytes = b"") -> Verdict:
        """One IPv4 frame."""
        if frame[12:14] != b"\x08\x00" or frame[23] not in (6, 17):
            return Deliver()
        start = 14 + 4 * (frame[14] & 15)
        sport, dport = struct.unpack_from("!HH", frame, start)
        source, destination = bytes(frame[26:30]), bytes(frame[30:34])
        if destination == self.vip and self.vport in (0, dport):
            if self.method == "nat":
                self._rewrite(frame, start, 30, 2, self.rip, self.rport, offload)
            return self._send(frame, self.rip, offload)
        if self.method == "nat" and source == self.rip and self.rport in (0, sport):
            if destination in self.view.local():
                return Deliver()
            self._rewrite(frame, start, 26, 0, self.vip, self.vport, offload)
            return self._send(frame, destination, offload)
        return Deliver()

    def _rewrite(
        self, frame: bytearray, start: int, at: int, port_at: int, address: bytes, port: int, offload: bytes
    ) -> None:
        old = struct.unpack_from("!HH", frame, at)
        old_port = _WORD.unpack_from(frame, start + port_at)[0]
        new = struct.unpack("!HH", address)
        delta = sum(new) + sum(0xFFFF - one for one in old)
        frame[at : at + 4] = address
        port = port or old_port
        _WORD.pack_into(frame, start + port_at, port)
        check = start + (16 if frame[23] == 6 else 6)
        value = _WORD.unpack_from(frame, check)[0]
        if offload and offload[0] & 1:
            _WORD.pack_into(frame, check, _fold(value + delta))
        else:
            delta += port + 0xFFFF - old_port
            _WORD.pack_into(frame, check, 0xFFFF - _fold(0xFFFF - value + delta))
        frame[24:26] = b"\0\0"
        total = sum(struct.unpack_from(f"!{(start - 14) // 2}H", frame, 14))
        _WORD.pack_into(frame, 24, 0xFFFF - _fold(total))

    def _send(self, frame: bytearray, destination: bytes, offload: bytes) -> Verdict:
        route = self.view.route(destination)
        if route is None:
            return Drop("no_route")
        hop = route.gateway or destination
        frame[6:12] = self.view.links[route.ifindex].mac
        mac = self.view.mac(route.ifindex, hop)
        if mac is None:
            return Hold(hop, route.ifindex, frame, offload)
        frame[0:6] = mac
        return Transmit(route.ifindex, frame, offload)

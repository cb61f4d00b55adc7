"""Mutated packets, and a judge of what comes out that shares no code with the program.

`Mutator` makes frames from seeds: bytes changed, cut, put together, in pieces that overlap, inside ICMP
errors and tunnels; most get their checksums again, so that they are not refused at the door.  `fault` says
what is wrong with a frame, by RFC 791, 8200, 768, 9293, 792, 4443, 9260, 2784 and 2003 alone.
"""

from __future__ import annotations

import random
import struct

from scapy.layers.sctp import crc32c

ETHERNET = 14
IPV4, IPV6, VLAN = b"\x08\x00", b"\x86\xdd", b"\x81\x00"
TCP, UDP, SCTP, ICMP, ICMPV6 = 6, 17, 132, 1, 58
CHECKED = {TCP: 16, UDP: 6, ICMP: 2, ICMPV6: 2}
EXTENSIONS = frozenset({0, 43, 60})
GUE_PORT = 6080
NEEDS_CSUM = 1


def ones(data: bytes) -> int:
    """The one's-complement sum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


class Layers:
    """Where the parts of an IP packet are; `wrong` says why it is none."""

    def __init__(self, packet: bytes) -> None:
        self.packet = packet
        self.wrong = ""
        self.fragment = False
        self.offset = self.more = self.ident = 0
        if len(packet) >= 20 and packet[0] >> 4 == 4:
            self._read_v4()
        elif len(packet) >= 40 and packet[0] >> 4 == 6:
            self._read_v6()
        else:
            self.wrong = "no IP packet"

    def _read_v4(self) -> None:
        packet = self.packet
        self.l4, self.protocol, self.ends = 4 * (packet[0] & 15), packet[9], packet[12:20]
        self.total = int.from_bytes(packet[2:4], "big")
        if not 20 <= self.l4 <= self.total <= len(packet):
            self.wrong = "lengths of IPv4"
        elif ones(packet[: self.l4]) != 0xFFFF:
            self.wrong = "checksum of IPv4"
        bits = int.from_bytes(packet[6:8], "big")
        self.offset, self.more, self.ident = (
            8 * (bits & 0x1FFF),
            bits >> 13 & 1,
            int.from_bytes(packet[4:6], "big"),
        )
        self.fragment = bool(self.offset or self.more)

    def _read_v6(self) -> None:
        packet = self.packet
        self.l4, self.protocol, self.ends = 40, packet[6], packet[8:40]
        self.total = 40 + int.from_bytes(packet[4:6], "big")
        if self.total > len(packet):
            self.wrong = "lengths of IPv6"
            return
        while self.protocol in EXTENSIONS or self.protocol == 44:
            if self.l4 + 8 > self.total:
                self.wrong = "cut extension header"
                return
            size = 8
            if self.protocol == 44:
                bits = int.from_bytes(packet[self.l4 + 2 : self.l4 + 4], "big")
                self.offset, self.more = bits & 0xFFF8, bits & 1
                self.ident = int.from_bytes(packet[self.l4 + 4 : self.l4 + 8], "big")
                self.fragment = bool(self.offset or self.more)
            else:
                size = 8 * (packet[self.l4 + 1] + 1)
            self.protocol = packet[self.l4]
            self.l4 += size
            if self.fragment:
                return

    @property
    def body(self) -> bytes:
        return self.packet[self.l4 : self.total]

    def pseudo(self, length: int) -> int:
        return ones(self.ends + struct.pack("!II", length, self.protocol))


def fault(packet: bytes, *, partial: bool = False, exact: bool = True) -> str:
    """What is wrong with an IP packet; empty when nothing is.

    With `partial`, layer 4 holds the sum of its pseudo-header only.  `exact`: nothing follows the packet.
    """
    layers = Layers(packet)
    if layers.wrong:
        return layers.wrong
    if exact and layers.total != len(packet):
        return "bytes behind the packet"
    return "" if layers.fragment else _fault_l4(layers, partial=partial)


def _fault_l4(layers: Layers, *, partial: bool) -> str:
    body, protocol = layers.body, layers.protocol
    if protocol in (4, 41):
        return fault(body)
    if protocol == 47:
        return _fault_gre(body)
    if protocol == SCTP:
        right = len(body) >= 12 and body[8:12] == struct.pack(">I", crc32c(body[:8] + bytes(4) + body[12:]))
        return "" if right or partial else "checksum of SCTP"
    place = CHECKED.get(protocol)
    if place is None:
        return ""
    if len(body) < place + 2:
        return "cut layer 4"
    if protocol == UDP and body[2:4] == GUE_PORT.to_bytes(2, "big") and len(body) > 40:
        return _fault_gue(body) or _fault_sum(layers, place, partial=partial)
    return _fault_sum(layers, place, partial=partial)


def _fault_sum(layers: Layers, place: int, *, partial: bool) -> str:
    body, protocol = layers.body, layers.protocol
    said = int.from_bytes(body[place : place + 2], "big")
    covered = body[: int.from_bytes(body[4:6], "big")] if protocol == UDP else body
    start = 0 if protocol == ICMP else layers.pseudo(len(covered))
    if partial:
        return "" if said % 0xFFFF == start % 0xFFFF else f"partial checksum of {protocol}"
    if (protocol == UDP and not said) or (start + ones(covered)) % 0xFFFF == 0:
        return ""
    return f"checksum of {protocol}"


def _fault_gre(body: bytes) -> str:
    if len(body) < 8:
        return "cut GRE"
    if body[0] & 0x80 and ones(body) != 0xFFFF:
        return "checksum of GRE"
    return fault(body[8 if body[0] & 0x80 else 4 :])


def _fault_gue(body: bytes) -> str:
    inner = bytearray(body[12 + 4 * (body[8] & 31) :])
    if body[10:12] == b"\0\1" and body[12:16] == b"\x80\0\0\0":
        start, place = int.from_bytes(body[16:18], "big"), int.from_bytes(body[18:20], "big")
        inner[place : place + 2] = (0xFFFF - ones(bytes(inner[start:]))).to_bytes(2, "big")
    wrong = fault(bytes(inner))
    return wrong and f"inside GUE: {wrong}"


def joined(packets: list[bytes]) -> bytes | None:
    """The datagram whose fragments these are; None when they are none, or not all."""
    found = [Layers(one) for one in packets]
    if not all(one.fragment and not one.wrong for one in found):
        return None
    found.sort(key=lambda one: one.offset)
    body, first = b"", found[0]
    for one in found:
        if one.offset != len(body):
            return None
        body += one.body
    if found[-1].more:
        return None
    if packets[0][0] >> 4 == 4:
        head = bytearray(first.packet[: first.l4])
        head[2:4], head[6:8], head[10:12] = (len(head) + len(body)).to_bytes(2, "big"), b"\0\0", b"\0\0"
        head[10:12] = (0xFFFF - ones(bytes(head))).to_bytes(2, "big")
        return bytes(head) + body
    head = bytearray(first.packet[:40])
    head[4:6], head[6] = len(body).to_bytes(2, "big"), first.protocol
    return bytes(head) + body


def signed(packet: bytes, *, deep: bool = True, partial: bool = False) -> bytes:
    """`packet` with lengths and checksums that fit, as far as it can be read."""
    raw = bytearray(packet)
    if len(raw) >= 20 and raw[0] >> 4 == 4 and 20 <= 4 * (raw[0] & 15) <= len(raw):
        raw[2:4], raw[10:12] = min(len(raw), 0xFFFF).to_bytes(2, "big"), b"\0\0"
        raw[10:12] = (0xFFFF - ones(bytes(raw[: 4 * (raw[0] & 15)]))).to_bytes(2, "big")
    elif len(raw) >= 40 and raw[0] >> 4 == 6:
        raw[4:6] = min(len(raw) - 40, 0xFFFF).to_bytes(2, "big")
    layers = Layers(bytes(raw))
    if not deep or layers.wrong or layers.fragment:
        return bytes(raw)
    body, place = bytearray(layers.body), CHECKED.get(layers.protocol)
    if layers.protocol == SCTP and len(body) >= 12:
        body[8:12] = bytes(4)
        body[8:12] = struct.pack(">I", crc32c(bytes(body)))
    elif place is not None and len(body) >= place + 2:
        if layers.protocol == UDP:
            body[4:6] = len(body).to_bytes(2, "big")
        body[place : place + 2] = b"\0\0"
        start = 0 if layers.protocol == ICMP else layers.pseudo(len(body))
        total = start if partial else 0xFFFF - (start + ones(bytes(body))) % 0xFFFF
        body[place : place + 2] = (total or 0xFFFF).to_bytes(2, "big")
    raw[layers.l4 : layers.total] = body
    return bytes(raw)


def error_about(packet: bytes, chance: random.Random, source: bytes, to: bytes) -> bytes:
    """An ICMP error of any kind that quotes some of `packet`."""
    quote = packet[: chance.choice([20, 28, 40, 48, 60, 100, 1300])]
    if len(source) == 4:
        head = bytes((chance.choice([3, 3, 4, 5, 11, 12]), chance.choice([0, 1, 3, 4, 13]), 0, 0))
        body = head + chance.choice([0, 40, 68, 576, 1400, 0xFFFF]).to_bytes(4, "big") + quote
        front = struct.pack("!BBHHHBBH", 0x45, 0, 0, 1, 0, 64, ICMP, 0)
    else:
        head = bytes((chance.choice([1, 2, 2, 3, 4, 100]), chance.choice([0, 1, 4]), 0, 0))
        body = head + chance.choice([0, 68, 1280, 1400, 1 << 31]).to_bytes(4, "big") + quote
        front = struct.pack("!IHBB", 6 << 28, 0, ICMPV6, 64)
    return signed(front + source + to + body)


def ends(packet: bytes) -> tuple[bytes, bytes]:
    return (packet[12:16], packet[16:20]) if packet[0] >> 4 == 4 else (packet[8:24], packet[24:40])


class Mutator:
    """Makes packets (from the IP header on) out of seeds."""

    def __init__(self, chance: random.Random, seeds: list[bytes]) -> None:
        self.chance, self.seeds = chance, seeds

    def next(self) -> list[bytes]:
        """One mutant, or the pieces of one."""
        packet = self.chance.choice(self.seeds)
        ways = (
            self.flipped,
            self.flipped,
            self.cut,
            self.spliced,
            self.extreme,
            self.extended,
            self.grown,
            self.tuned,
            self.tuned,
            self.same,
        )
        for _ in range(self.chance.choice([1, 1, 1, 2, 3])):
            packet = self.chance.choice(ways)(packet)
        if self.chance.random() < 0.15 and len(packet) >= 40:
            packet = self.quoted(packet)
        care = self.chance.random()
        if care < 0.75:
            packet = signed(packet, deep=care < 0.6)
        if self.chance.random() < 0.1:
            return self.pieces(packet)
        return [packet]

    def same(self, packet: bytes) -> bytes:
        return packet

    def flipped(self, packet: bytes) -> bytes:
        raw = bytearray(packet)
        for _ in range(self.chance.randrange(1, 5)):
            # Headers are where decisions are made: most changes hit them.
            room = min(len(raw), 60) if self.chance.random() < 0.8 else len(raw)
            if room:
                raw[self.chance.randrange(room)] = self.chance.randrange(256)
        return bytes(raw)

    def cut(self, packet: bytes) -> bytes:
        return packet[: self.chance.randrange(len(packet) + 1)]

    def spliced(self, packet: bytes) -> bytes:
        other = self.chance.choice(self.seeds)
        return packet[: self.chance.randrange(len(packet) + 1)] + other[self.chance.randrange(len(other)) :]

    def extreme(self, packet: bytes) -> bytes:
        raw = bytearray(packet)
        if len(raw) > 4:
            at = self.chance.randrange(min(len(raw) - 2, 80))
            value = self.chance.choice([0, 1, 7, 8, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF, len(raw), len(raw) + 1])
            raw[at : at + 2] = value.to_bytes(2, "big")
        return bytes(raw)

    def extended(self, packet: bytes) -> bytes:
        """IPv4 options or IPv6 extension headers, right or wrong."""
        junk = self.chance.randbytes
        if len(packet) >= 20 and packet[0] == 0x45:
            choices = [
                b"\1\1\1\1",
                b"\x94\4\0\0",
                b"\7\7\4" + bytes(5),
                b"\x44\x0c\5\0" + bytes(8),
                junk(4),
                junk(40),
            ]
            options = self.chance.choice(choices)
            return bytes((0x45 + len(options) // 4,)) + packet[1:20] + options + packet[20:]
        if len(packet) >= 40 and packet[0] >> 4 == 6:
            kind = self.chance.choice([0, 43, 44, 44, 51, 60, 60, 135])
            rest = (
                junk(7) if self.chance.random() < 0.3 else self.chance.choice([bytes(7), b"\0\1\4\0\0\0\0"])
            )
            return packet[:6] + bytes((kind,)) + packet[7:40] + packet[6:7] + rest + packet[40:]
        return packet

    def grown(self, packet: bytes) -> bytes:
        return packet + self.chance.randbytes(self.chance.choice([1, 3, 100, 1000, 1450, 4000]))

    def tuned(self, packet: bytes) -> bytes:
        """At the limits of TTL and MTU, with and without DF."""
        raw = bytearray(packet)
        if len(raw) < 40:
            return packet
        if self.chance.random() < 0.5:
            raw[8 if raw[0] >> 4 == 4 else 7] = self.chance.choice([0, 1, 2, 255])
        if raw[0] >> 4 == 4:
            raw[6] = self.chance.choice([0, 0x40])
        if self.chance.random() < 0.5:
            size = self.chance.choice([1280, 1368, 1376, 1380, 1400, 1401, 1440, 1460, 1480, 1500])
            raw += bytes(max(0, size - len(raw)))
        return bytes(raw)

    def quoted(self, packet: bytes) -> bytes:
        """Inside an ICMP error to whoever sent it, from who got it or anybody."""
        source, to = ends(packet)
        if len(source) != len(to) or len(to) not in (4, 16):
            return packet
        return error_about(
            packet, self.chance, to if self.chance.random() < 0.7 else source[:-1] + b"\xfd", source
        )

    def pieces(self, packet: bytes) -> list[bytes]:
        """Fragments, some of them overlapping, missing, twice, in another order."""
        layers = Layers(packet)
        if layers.wrong or layers.fragment or len(layers.body) < 17:
            return [packet]
        size = self.chance.choice([8, 16, 64, 512, 1232])
        ident, made = self.chance.randrange(4), []
        for at in range(0, min(len(layers.body), 20 * size), size):
            start = max(0, at - (8 if self.chance.random() < 0.05 else 0))
            made.append(
                self._piece(
                    layers, start, layers.body[start : at + size], at + size < len(layers.body), ident
                )
            )
        if self.chance.random() < 0.4:
            self.chance.shuffle(made)
        if self.chance.random() < 0.2:
            made.append(self.chance.choice(made))
        if self.chance.random() < 0.2:
            made.pop(self.chance.randrange(len(made)))
        return made

    def _piece(self, layers: Layers, at: int, body: bytes, more: bool, ident: int) -> bytes:
        packet = layers.packet
        if packet[0] >> 4 == 4:
            bits = (at // 8 | (0x2000 if more else 0)).to_bytes(2, "big")
            return signed(
                packet[:4] + ident.to_bytes(2, "big") + bits + packet[8 : layers.l4] + body, deep=False
            )
        header = bytes((layers.protocol, 0)) + (at | more).to_bytes(2, "big") + ident.to_bytes(4, "big")
        return signed(packet[:6] + b"\x2c" + packet[7:40] + header + body, deep=False)

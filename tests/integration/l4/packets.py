"""The hosts at the ends of the wires, and their packets: made, cut as hosts with offloads do, and judged."""

from __future__ import annotations

import select
import socket
import struct
import time
from typing import Any

from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.packet import Packet

from director.demo.netns import inside
from tests.conformance.l4.mutants import fault
from tests.integration.l4.wire_judge import QUIET, Wire

CLIENT = {4: "10.0.0.2", 6: "fd00:10::2"}
SERVER = {4: "172.16.0.2", 6: "fd00:16::2"}
FAMILIES = (4, 6)
_VNET = struct.Struct("=BBHHHH")
NEEDS_CSUM, GSO_TCPV4, GSO_TCPV6 = 1, 1, 4


def ip(source: str, destination: str, **fields: Any) -> Packet:
    """An IP header of the destination's family."""
    return (IPv6 if ":" in destination else IP)(src=source, dst=destination, **fields)


def of(raw: bytes) -> Packet:
    """An IP packet of either version."""
    return IP(raw) if raw[0] >> 4 == 4 else IPv6(raw)


def to(address: str, **fields: Any) -> Packet:
    """An IP header from the client (or `src`); `ttl` and `tos` mean hop limit and class in IPv6 too.

    `bits` are the flags of IPv4; they and `id` have no place in IPv6.
    """
    bits = fields.pop("bits", "")
    if ":" not in address:
        return ip(fields.pop("src", CLIENT[4]), address, flags=bits, **fields)
    for old, new in (("ttl", "hlim"), ("tos", "tc")):
        if old in fields:
            fields[new] = fields.pop(old)
    fields.pop("id", None)
    return ip(fields.pop("src", CLIENT[6]), address, **fields)


def ttl(packet: Packet) -> int:
    return int(packet.ttl if isinstance(packet, IP) else packet.hlim)


def pseudo(packet: bytes, protocol: int) -> bytes:
    """The field that a host with checksum offload leaves for TCP or UDP: the pseudo-header's sum."""
    ends, length = (
        (packet[12:20], len(packet) - 20) if packet[0] >> 4 == 4 else (packet[8:40], len(packet) - 40)
    )
    total = protocol + length + sum(struct.unpack(f"!{len(ends) // 2}H", ends))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", total)


class Offloading:
    """A wire's end as a host with offloads has it: frames with their virtio headers, in and out."""

    def __init__(self, wire: Wire, namespace: str, device: str) -> None:
        with inside(namespace):
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.sock.setsockopt(263, 15, 1)  # SOL_PACKET, PACKET_VNET_HDR
        self.sock.bind((device, 0))
        self.sock.setblocking(False)
        self.wire = wire

    def close(self) -> None:
        self.sock.close()

    def put(self, packet: Packet, segment: int = 0) -> None:
        """A TCP packet without options, its checksum partial; to be cut into `segment` bytes, if given."""
        raw = bytearray(bytes(packet))
        four = raw[0] >> 4 == 4
        l4 = 20 if four else 40
        raw[l4 + 16 : l4 + 18] = pseudo(bytes(raw), 6)
        kind = (GSO_TCPV4 if four else GSO_TCPV6) if segment else 0
        header = _VNET.pack(NEEDS_CSUM, kind, 14 + l4 + 20 if segment else 0, segment, 14 + l4, 16)
        ethernet = self.wire.peer + self.wire.mac + (b"\x08\x00" if four else b"\x86\xdd")
        self.sock.send(header + ethernet + raw)

    def frames(self, patience: float = QUIET, count: int = 0) -> list[tuple[bytes, bytes]]:
        """(virtio header, IP packet) of what the director sends, until it is quiet, or `count` of them."""
        found = []
        deadline = time.monotonic() + patience
        while (left := deadline - time.monotonic()) > 0 and select.select([self.sock], [], [], left)[0]:
            data, address = self.sock.recvfrom(1 << 17)
            if (
                address[2] != socket.PACKET_OUTGOING
                and data[22:24] in (b"\x08\x00", b"\x86\xdd")
                and not data[10] & 1
            ):
                found.append((data[:10], data[24:]))
                if len(found) == count:
                    break
        return found


def sound(packet: Packet) -> bool:
    """Its own checksums and lengths are right; what an ICMP error quotes may be cut."""
    return not fault(bytes(packet))

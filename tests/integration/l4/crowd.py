"""Clients by the thousand: frames made by hand, each from an address and a port of its own.

The addresses lie in 10.1.0.0/16, which nobody has; the director's way to them is the client.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterable, Iterator

from director.demo.netns import inside
from tests.integration.l4.bed import CLIENT, VIP, Bed

NETWORK = "10.1.0.0/16"
PORTS = 1000
BATCH = 250
_TCP, _UDP = 6, 17


def checksum(data: bytes) -> int:
    """RFC 1071."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ends(number: int) -> tuple[bytes, int]:
    """Address and port of client `number`."""
    host, port = divmod(number, PORTS)
    return bytes((10, 1, *divmod(host + 1, 256))), 20000 + port


def _packet(source: bytes, protocol: int, payload: bytes) -> bytes:
    fields = (0x45, 0, 20 + len(payload), 0, 0x4000, 64, protocol, 0, source, socket.inet_aton(VIP))
    head = struct.pack("!BBHHHBBH4s4s", *fields)
    return head[:10] + checksum(head).to_bytes(2, "big") + head[12:] + payload


def datagram(number: int, port: int = 8080) -> bytes:
    """A UDP packet of client `number` that says the number; without a checksum (RFC 768)."""
    source, sport = ends(number)
    return _packet(source, _UDP, struct.pack("!HHHHI", sport, port, 12, 0, number))


def syn(number: int, port: int = 8080) -> bytes:
    """The first packet of a TCP connection of client `number`."""
    source, sport = ends(number)
    segment = struct.pack("!HHIIBBHHH", sport, port, number, 0, 0x50, 0x02, 0xFFFF, 0, 0)
    pseudo = source + socket.inet_aton(VIP) + struct.pack("!HH", _TCP, len(segment))
    segment = segment[:16] + checksum(pseudo + segment).to_bytes(2, "big") + segment[18:]
    return _packet(source, _TCP, segment)


class Crowd:
    """A packet socket on the client's side of a bed; `rate` frames a second leave at most."""

    def __init__(self, bed: Bed, rate: int = 20000) -> None:
        bed.net.run(bed.director, "ip", "route", "add", NETWORK, "via", CLIENT)
        bed.get(f"http://{VIP}:1/", seconds=0.2)
        self._rate = rate
        with inside(bed.client):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.bind(("c0", 0))
        mac = bed.net.run(bed.director, "cat", "/sys/class/net/d0/address").strip()
        self._link = bytes.fromhex(mac.replace(":", "")) + self._socket.getsockname()[4] + b"\x08\x00"

    def send(self, packets: Iterable[bytes]) -> Iterator[int]:
        """Send all; pauses after each batch and gives how many have gone."""
        gone, start = 0, time.monotonic()
        for packet in packets:
            self._socket.send(self._link + packet)
            gone += 1
            if gone % BATCH == 0:
                yield gone
                time.sleep(max(0.0, start + gone / self._rate - time.monotonic()))
        yield gone

    def close(self) -> None:
        self._socket.close()

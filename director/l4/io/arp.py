"""The one packet that the shell makes by itself: an ARP request (RFC 826).

Traffic that leaves by a packet socket never confirms a neighbour entry of the kernel, so a
server that changed its link-layer address would lose packets until the entry aged.  The
director asks for the next hops it uses; the kernel takes the answers into its own table.
"""

from __future__ import annotations

_BROADCAST = b"\xff" * 6
_HEAD = bytes.fromhex("0001 0800 06 04 0001")


def request(mac: bytes, source: bytes, target: bytes) -> bytes:
    """An Ethernet frame asking who has IPv4 `target`, from `source` at link-layer address `mac`."""
    frame = _BROADCAST + mac + b"\x08\x06" + _HEAD + mac + source + bytes(6) + target
    return frame.ljust(60, b"\0")

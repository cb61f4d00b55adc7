"""The virtio header, against the bytes seen on a ring (`kernel-fastpath` 1.3)."""

from __future__ import annotations

from director.l4.wire import offload
from director.l4.wire.offload import Offload

SEEN = (
    bytes([1, 1])
    + (66).to_bytes(2, "little")
    + (1448).to_bytes(2, "little")
    + (34).to_bytes(2, "little")
    + b"\x10\0"
)


def test_super_frame_of_a_local_sender() -> None:
    assert offload.read(SEEN) == Offload(offload.NEEDS_CSUM, offload.GSO_TCPV4, 66, 1448, 34, 16)
    assert offload.write(offload.read(SEEN)) == SEEN


def test_ordinary_frame_has_no_header() -> None:
    assert offload.read(b"") == offload.NONE
    assert offload.write(offload.NONE) == b""
    assert not offload.read(b"\1\1\1").partial


def test_moved_header_follows_the_network_header() -> None:
    moved = offload.read(offload.moved(SEEN, -4))
    assert (moved.header_length, moved.csum_start, moved.csum_offset) == (62, 30, 16)
    assert offload.moved(b"", 4) == b""

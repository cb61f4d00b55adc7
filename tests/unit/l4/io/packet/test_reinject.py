from __future__ import annotations

import struct

from director.l4.io.packet.reinject import StackInjector, without_link_header


def test_the_offload_header_is_for_the_packet_without_its_ethernet_header() -> None:
    before = struct.pack("=BBHHHH", 1, 1, 66, 1448, 34, 16)
    assert struct.unpack("=BBHHHH", without_link_header(before)) == (1, 1, 52, 1448, 20, 16)


def test_nothing_offloaded_is_ten_zeros() -> None:
    assert without_link_header(b"") == bytes(10)


def test_a_header_without_a_length_stays_so() -> None:
    before = struct.pack("=BBHHHH", 0, 0, 0, 0, 0, 0)
    assert without_link_header(before) == before


def test_where_no_device_can_be_made_frames_are_counted() -> None:
    injector = StackInjector(lambda _name: None)
    injector._impossible = True
    assert not injector.give(bytes(60), b"")
    assert injector.lost == 1
    injector.close()

"""The ring needs a packet socket; what it does is tested in tests/integration/l4/test_packet_port.py."""

from __future__ import annotations

from director.l4.io.packet import transmit


def test_a_slot_holds_a_frame_of_an_ordinary_mtu_and_blocks_are_whole_slots() -> None:
    assert transmit.LARGEST >= 1500 + 18
    # packet_mmap: a slot is a multiple of 16 and a block holds whole slots.
    assert transmit.SLOT % 16 == 0
    assert (1 << 18) % transmit.SLOT == 0
    assert transmit.SLOT * transmit.SLOTS % (1 << 18) == 0

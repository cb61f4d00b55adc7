from __future__ import annotations

import mmap

import pytest

from director.l4.io.packet.tpacket import RingSize


@pytest.mark.parametrize("mtu", [68, 1500, 1792, 1793, 9000, 65535])
def test_a_slot_holds_a_frame_of_the_mtu_and_a_ring_is_whole_blocks(mtu: int) -> None:
    size = RingSize.for_mtu(mtu)
    # packet_mmap: slots are multiples of 16, blocks of the page, and a block is whole slots.
    assert size.slot >= mtu + 200
    assert size.slot % 16 == 0
    assert (1 << 18) % size.slot == 0
    assert (size.slot * size.slots) % (1 << 18) == 0
    assert (1 << 18) % mmap.PAGESIZE == 0
    assert size.slot * size.slots <= 64 << 20

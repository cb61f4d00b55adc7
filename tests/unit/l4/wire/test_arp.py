"""ARP against scapy."""

from __future__ import annotations

import pytest
from scapy.layers.l2 import ARP, Ether

from director.errors import PacketError
from director.l4.wire import arp

QUESTION = bytes(
    Ether(src="02:00:00:00:00:01", dst="ff:ff:ff:ff:ff:ff")
    / ARP(op=1, hwsrc="02:00:00:00:00:01", psrc="10.0.0.1", hwdst="00:00:00:00:00:00", pdst="10.0.0.2")
)


def test_question_is_read_and_written() -> None:
    message = arp.read(QUESTION)
    assert message.operation == arp.REQUEST
    assert (message.sender, message.target) == (b"\x0a\0\0\1", b"\x0a\0\0\2")
    assert arp.write(message) == QUESTION


@pytest.mark.parametrize("size", range(len(QUESTION)))
def test_truncated_message_is_refused(size: int) -> None:
    with pytest.raises(PacketError, match="short_arp"):
        arp.read(QUESTION[:size])


def test_other_hardware_is_refused() -> None:
    with pytest.raises(PacketError, match="unknown_arp"):
        arp.read(QUESTION[:15] + b"\x06" + QUESTION[16:])

from __future__ import annotations

import errno

import pytest

from director.l4.io.packet.ring import MemoryPacketPort, PortCounters, count_send_error
from tests.support.port_contract import PortContract


class TestMemoryPacketPort(PortContract):
    slots = 1024

    @pytest.fixture(autouse=True)
    def make(self) -> None:
        self.prepare()
        self.memory = self.port = MemoryPacketPort(lambda: 1.0, "eth0", 2, receive=self.got, slots=self.slots)
        self.port.start()

    def put(self, frame: bytes, offload: bytes = b"") -> None:
        self.memory.arrive(frame, offload)

    def turn(self) -> None:
        self.memory.turn()

    def out(self) -> list[tuple[bytes, bytes]]:
        return list(self.memory.sent)

    def test_the_filter_stands_before_the_ring(self) -> None:
        port = MemoryPacketPort(lambda: 1.0, "eth0", 2, receive=self.got, accepts=lambda frame: frame[0] == 2)
        port.start()
        port.arrive(b"\x01" + bytes(60))
        port.turn()
        assert self.received == []


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (errno.ENOBUFS, "dropped_send_full"),
        (errno.EAGAIN, "dropped_send_full"),
        (errno.EMSGSIZE, "dropped_send_too_big"),
        (errno.ENETDOWN, "dropped_send_failed"),
        (None, "dropped_send_failed"),
    ],
)
def test_every_failed_send_has_a_counter(code: int, name: str) -> None:
    counters = PortCounters()
    count_send_error(counters, code)
    assert getattr(counters, name) == 1

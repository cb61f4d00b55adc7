"""What every packet port does, real or in memory: a mixin for both.

A subclass sets `port`, whose receiver is `got`, and provides `put`, `turn` and `out`.
"""

from __future__ import annotations

from director.l4.io.packet.ring import Port

PARTIAL = bytes.fromhex("01014200a80522001000")
"""NEEDS_CSUM, TCPv4, header 66, segments of 1448, checksum at 34 + 16 (little endian)."""


def numbered(number: int, size: int = 100) -> bytes:
    """A TCP segment, its header 32 bytes long, with `number` where the ports are."""
    ethernet = bytes.fromhex("020000000002 020000000001 0800")
    ip = (
        bytes.fromhex("4500")
        + (52 + size).to_bytes(2, "big")
        + bytes.fromhex("0001000040060000 0a000001 0a000002")
    )
    tcp = number.to_bytes(4, "big") + bytes(8) + bytes.fromhex("8010ffff00000000") + b"\x01" * 12
    return ethernet + ip + tcp + bytes(size)


class PortContract:
    """Mixed into the tests of each port."""

    port: Port
    slots: int
    received: list[tuple[bytearray, int, float, bytes]]
    fail_on: int
    close_on: int

    def put(self, frame: bytes, offload: bytes = b"") -> None:
        """A frame arrives at the port."""
        raise NotImplementedError

    def turn(self) -> None:
        """The port reads once."""
        raise NotImplementedError

    def out(self) -> list[tuple[bytes, bytes]]:
        """What the port sent since the last call, each frame with its offload header."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Nothing arrived, and no frame fails or closes."""
        self.received, self.fail_on, self.close_on = [], -1, -1

    def test_a_frame_arrives_whole_and_is_the_receivers_own(self) -> None:
        self.put(numbered(1))
        self.turn()
        [(frame, ifindex, now, offload)] = self.received
        assert (bytes(frame), ifindex, offload) == (numbered(1), self.port.ifindex, b"")
        assert isinstance(frame, bytearray)
        assert now > 0

    def test_order_is_kept(self) -> None:
        for number in range(600):
            self.put(numbered(number))
        for _ in range(4):
            self.turn()
        assert [int.from_bytes(one[0][34:38], "big") for one in self.received] == list(range(600))
        assert self.port.counters.received == 600

    def test_one_turn_is_bounded(self) -> None:
        for number in range(600):
            self.put(numbered(number))
        self.turn()
        assert len(self.received) == 256

    def test_a_super_frame_passes_whole_between_small_ones(self) -> None:
        big = numbered(2, 60000)
        self.put(numbered(1))
        self.put(big, PARTIAL)
        self.put(numbered(3))
        self.turn()
        assert [len(one[0]) for one in self.received] == [len(numbered(1)), len(big), len(numbered(3))]
        assert bytes(self.received[1][0]) == big
        assert self.received[1][3][:2] == PARTIAL[:2]

    def test_what_is_sent_goes_out_and_does_not_come_back(self) -> None:
        assert self.port.transmit(numbered(9))
        self.turn()
        assert self.received == []
        assert [frame for frame, _offload in self.out()] == [numbered(9)]
        assert self.port.counters.sent == 1

    def test_a_super_frame_goes_out(self) -> None:
        assert self.port.transmit(numbered(9, 60000), PARTIAL)

    def test_a_frame_larger_than_the_mtu_is_refused_and_counted(self) -> None:
        assert not self.port.transmit(numbered(9, 3000))
        assert self.port.counters.dropped_send_too_big == 1

    def test_a_full_ring_drops_and_counts(self) -> None:
        for number in range(self.slots + 50):
            self.put(numbered(number))
        for _ in range(self.slots // 256 + 2):
            self.turn()
        self.port.refresh()
        assert len(self.received) == self.slots
        assert self.port.counters.dropped_ring_full == 50

    def test_a_frame_that_raises_costs_only_itself(self) -> None:
        self.fail_on = 1
        for number in range(3):
            self.put(numbered(number))
        self.turn()
        assert len(self.received) == 2
        assert self.port.counters.failed_frames == 1

    def test_closing_within_a_batch_stops_it(self) -> None:
        self.close_on = 1
        for number in range(3):
            self.put(numbered(number))
        self.turn()
        assert len(self.received) == 1
        self.port.close()

    def got(self, frame: bytearray, ifindex: int, now: float, offload: bytes) -> None:
        """The receiver of the port under test."""
        number = int.from_bytes(frame[34:38], "big")
        if number == self.close_on:
            self.port.close()
            return
        if number == self.fail_on:
            raise ValueError(number)
        self.received.append((frame, ifindex, now, offload))

"""The real packet port passes what the one in memory passes, on a veth pair in a namespace."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.python.failure import Failure

from director.demo.netns import Namespaces, inside
from director.l4.io.capture.plan import CapturePlan
from director.l4.io.packet import filter as packet_filter
from director.l4.io.packet import transmit
from director.l4.io.packet.ring import PacketPort
from director.l4.io.packet.tpacket import RingSize
from tests.support import port_contract as contract
from tests.support.readers import Readers

SOL_PACKET, PACKET_VNET_HDR = 263, 15


class Wire:
    """The other end of the cable."""

    def __init__(self, interface: str) -> None:
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        self.socket.setsockopt(SOL_PACKET, 23, 1)
        for option in (32, 33):
            self.socket.setsockopt(socket.SOL_SOCKET, option, 1 << 25)
        self.socket.bind((interface, 3))
        self.socket.settimeout(0.3)

    def send(self, frame: bytes, offload: bytes) -> None:
        self.socket.send((offload or bytes(10)) + frame)

    def all(self) -> list[tuple[bytes, bytes]]:
        found: list[tuple[bytes, bytes]] = []
        try:
            while True:
                data = self.socket.recv(1 << 17)
                found.append((data[10:], data[:10]))
        except TimeoutError:
            return found


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_port_is_small_until_frames_come_and_loses_none_of_them(net: Namespaces) -> None:
    left, right = net.add("port"), net.add("wire")
    net.link(left, "port0", right, "wire0")
    net.run(left, "ip", "link", "set", "port0", "address", "02:00:00:00:00:02")
    for name, device in ((left, "port0"), (right, "wire0")):
        net.run(name, "sysctl", "-qw", f"net.ipv6.conf.{device}.disable_ipv6=1")
    received: list[int] = []
    reactor, size = Readers(), RingSize.for_mtu(1500)
    with inside(right):
        wire = Wire("wire0")
    with inside(left):
        before = descriptors()
        port = PacketPort(
            reactor,
            time.monotonic,
            "port0",
            socket.if_nametoindex("port0"),
            receive=lambda frame, *_rest: received.append(int.from_bytes(frame[34:38], "big")),
            program=packet_filter.accept_all_ip(),
            first=size.at_first(),
        )
        assert len(port._socket._ring) == 256 << 10
        assert descriptors() - before == 2
        port.start()
        for number in range(100):
            wire.send(contract.numbered(number), b"")
        time.sleep(0.05)
        port.doRead()
        assert len(port._socket._ring) == 8 << 20
        for number in range(100, 1100):
            wire.send(contract.numbered(number), b"")
        time.sleep(0.05)
        for _ in range(5):
            port.doRead()
    assert received == list(range(1100))
    assert reactor.reading == {port}
    port.refresh()
    assert (port.counters.received, port.counters.dropped_ring_full) == (1100, 0)
    port.close()
    wire.socket.close()


class TestPacketPort(contract.PortContract):
    slots = 1024

    @pytest.fixture(autouse=True)
    def make(self, net: Namespaces) -> Iterator[None]:
        self.prepare()
        left, right = net.add("port"), net.add("wire")
        net.link(left, "port0", right, "wire0")
        for name, device, mac in ((left, "port0", 2), (right, "wire0", 1)):
            net.run(name, "ip", "link", "set", device, "address", f"02:00:00:00:00:0{mac}")
            net.run(name, "sysctl", "-qw", f"net.ipv6.conf.{device}.disable_ipv6=1")
        self.reactor = Readers()
        with inside(right):
            self.wire = Wire("wire0")
        with inside(left):
            self.real = self.port = PacketPort(
                self.reactor,
                time.monotonic,
                "port0",
                socket.if_nametoindex("port0"),
                receive=self.got,
                program=packet_filter.accept_all_ip(),
                size=RingSize(slots=self.slots),
            )
            self.port.start()
            yield
            self.port.close()
            self.wire.socket.close()
        assert self.reactor.reading == set()

    def put(self, frame: bytes, offload: bytes = b"") -> None:
        self.wire.send(frame, offload)

    def turn(self) -> None:
        time.sleep(0.02)
        self.real.doRead()

    def out(self) -> list[tuple[bytes, bytes]]:
        return self.wire.all()

    def test_the_filter_stands_before_the_ring(self) -> None:
        self.port.attach(packet_filter.program(CapturePlan()))
        self.put(contract.numbered(1))
        self.turn()
        assert self.received == []

    def test_a_frame_for_another_machine_is_not_taken(self) -> None:
        self.put(b"\x02\0\0\0\0\x09" + contract.numbered(1)[6:])
        self.turn()
        assert self.received == []

    def test_an_unfinished_checksum_is_told(self, net: Namespaces) -> None:
        header = struct.pack("=BBHHHH", 1, 0, 0, 0, 34, 6)
        self.put(contract.numbered(1), header)
        self.turn()
        # NEEDS_CSUM, start and offset; the wire sent no segments.
        assert self.received[0][3] == header

    def test_the_link_goes_down_and_comes_back(self, net: Namespaces) -> None:
        name = net.names[0]
        net.run(name, "ip", "link", "set", "port0", "down")
        self.real.connectionLost(Failure(OSError(100, "the link is down")))
        assert self.reactor.reading == set()
        self.port.transmit(contract.numbered(1))
        assert self.port.counters.dropped_send_failed == 1
        assert not self.port.transmit(contract.numbered(1, 60000), contract.PARTIAL)
        assert self.port.counters.dropped_send_failed == 2
        net.run(name, "ip", "link", "set", "port0", "up")
        self.port.start()
        assert self.reactor.reading == {self.real}
        deadline = time.monotonic() + 5
        while not self.received and time.monotonic() < deadline:
            self.put(contract.numbered(7))
            self.turn()
        assert self.received
        # What could not be sent while the link was down is not sent late.
        assert self.out() == []

    def test_an_error_that_is_told_after_the_link_came_back_stops_nothing(self, net: Namespaces) -> None:
        """Down and up again in one turn of the loop: netlink is heard first, then the old error."""
        name = net.names[0]
        net.run(name, "ip", "link", "set", "port0", "down")
        net.run(name, "ip", "link", "set", "port0", "up")
        self.port.start()
        self.real.connectionLost(Failure(OSError(100, "the link is down")))
        assert self.reactor.reading == {self.real}

    def test_small_and_large_frames_keep_their_order(self) -> None:
        self.real._turn.open = True
        for number, size in ((1, 100), (2, 60000), (3, 100), (4, 100)):
            self.port.transmit(contract.numbered(number, size), contract.PARTIAL if size > 1500 else b"")
        self.real._turn.end()
        assert [int.from_bytes(frame[34:38], "big") for frame, _offload in self.out()] == [1, 2, 3, 4]

    def test_more_frames_than_slots_in_one_turn(self) -> None:
        self.real._turn.open = True
        for number in range(3000):
            assert self.port.transmit(contract.numbered(number))
        self.real._turn.end()
        assert [int.from_bytes(frame[34:38], "big") for frame, _offload in self.out()] == list(range(3000))

    def opened(self) -> transmit.TransmitRing:
        """The ring to send by, which the first two frames at a time open."""
        self.port.transmit(contract.numbered(0))
        assert self.real._out is None
        self.real._turn.open = True
        self.port.transmit(contract.numbered(0))
        self.port.transmit(contract.numbered(0))
        self.real._turn.end()
        assert len(self.out()) == 3
        assert self.real._out is not None
        return self.real._out

    def test_a_ring_that_is_full_is_sent_and_filled_again(self) -> None:
        out = self.opened()
        waiting = [(contract.numbered(number), b"") for number in range(transmit.SLOTS + 1)]
        assert out.fill(waiting) == transmit.SLOTS
        assert self.port.transmit(contract.numbered(transmit.SLOTS))
        sent = [int.from_bytes(frame[34:38], "big") for frame, _offload in self.out()]
        assert sent == list(range(transmit.SLOTS + 1))

    def test_a_ring_that_stays_full_drops_and_counts(self) -> None:
        out = self.opened()
        struct.pack_into("=I", out._ring, out._offset, 2)  # TP_STATUS_SENDING: the device has it
        self.port.transmit(contract.numbered(1))
        assert self.out() == []
        assert (self.port.counters.dropped_send_full, self.port.counters.sent) == (1, 3)

    def test_closing_forgets_what_waits(self) -> None:
        self.real._turn.open = True
        self.port.transmit(contract.numbered(1))
        self.port.close()
        self.real._turn.end()
        assert self.out() == []

    def test_an_unfinished_checksum_goes_out_as_such(self) -> None:
        header = struct.pack("=BBHHHH", 1, 0, 0, 0, 34, 16)
        self.port.transmit(contract.numbered(1), header)
        [(frame, offload)] = self.out()
        assert frame == contract.numbered(1)
        assert (offload[0], offload[6:]) == (1, header[6:])

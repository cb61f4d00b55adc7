"""What both roles have in common, seen from a client's connection."""

from __future__ import annotations

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived
from h2.exceptions import ProtocolError

from director.l7.http2 import side as module
from director.l7.http2.frames import Frames
from director.l7.http2.side import FloodError

GET = [(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/")]
OK = [(b":status", b"200")]


class Both:
    """Both ends of a connection with some streams open."""

    def __init__(self, streams: int = 1) -> None:
        self.frames = Frames(32768)
        self.client = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        self.client.initiate_connection()
        self.client.receive_data(self.frames.begin())
        self.streams = [1 + 2 * number for number in range(streams)]
        for stream in self.streams:
            self.client.send_headers(stream, GET, end_stream=True)
        self.got: dict[int, int] = {}
        self.order: list[int] = []
        self.flush()
        self.take(self.frames.rest())

    def flush(self) -> None:
        self.frames.receive(self.client.data_to_send())

    def take(self, octets: bytes) -> None:
        for event in self.client.receive_data(octets):
            if isinstance(event, DataReceived):
                stream = event.stream_id or 0
                self.got[stream] = self.got.get(stream, 0) + len(event.data or b"")
                self.order.append(stream)

    def open(self, octets: int, *streams: int) -> None:
        """The client takes so many more."""
        for stream in streams:
            self.client.increment_flow_control_window(octets, stream)
        self.client.increment_flow_control_window(octets * len(streams))
        self.flush()


def test_what_a_window_does_not_take_waits() -> None:
    both = Both()
    both.take(both.frames.head(1, OK) + both.frames.data(1, b"x" * 100_000, end=True))
    assert both.got == {1: 65535}
    assert both.frames.waits(1)
    both.open(100_000, 1)
    both.take(both.frames.pump())
    assert both.got == {1: 100_000}
    assert both.frames.idle


def test_a_stream_is_held_above_the_mark_and_goes_on_below() -> None:
    both = Both()
    both.take(both.frames.head(1, OK) + both.frames.data(1, b"x" * (module.HIGH_WATER + 65536), end=False))
    assert both.frames.changes() == {1: True}
    assert both.frames.changes() == {}
    both.open(1_000_000, 1)
    both.take(both.frames.pump())
    assert both.frames.changes() == {1: False}


def test_streams_take_turns() -> None:
    both = Both(3)
    both.client.increment_flow_control_window(1_000_000)
    both.flush()
    for stream in both.streams:
        both.take(both.frames.head(stream, OK) + both.frames.data(stream, b"x" * 200_000, end=True))
    both.order.clear()
    both.open(49152, *both.streams)
    both.take(both.frames.pump())
    assert sorted(both.order[:3]) == sorted(both.order[3:6]) == [1, 3, 5]


def test_a_frame_that_is_too_long_is_refused_by_its_header() -> None:
    """RFC 9113 4.2: FRAME_SIZE_ERROR, before its octets are here."""
    both = Both()
    with pytest.raises(ProtocolError):
        both.frames.receive(b"\x00\x40\x01\x00\x00\x00\x00\x00\x01")
    (end,) = both.client.receive_data(both.frames.rest())
    assert isinstance(end, ConnectionTerminated)
    assert end.error_code == ErrorCodes.FRAME_SIZE_ERROR


def test_counts_begin_again_with_each_span() -> None:
    frames = Frames(1000)
    frames.count(0.0, control=module.CONTROL_FRAMES)
    frames.count(module.SPAN + 1, control=module.CONTROL_FRAMES)
    with pytest.raises(FloodError):
        frames.count(module.SPAN + 2, control=1)


def test_resets_are_held_against_requests() -> None:
    frames = Frames(1000)
    frames.count(0.0, requests=1000, resets=500)
    with pytest.raises(FloodError):
        frames.count(0.0, resets=1)


def test_a_stream_that_is_gone_takes_nothing() -> None:
    both = Both()
    both.client.reset_stream(1)
    both.flush()
    both.frames.gone(1)
    assert both.frames.head(1, OK) == b""
    both.frames.data(1, b"x", end=True)
    assert both.frames.idle
    assert both.frames.reset(1, ErrorCodes.CANCEL) == b""

from __future__ import annotations

import struct
from typing import Any

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    PingAckReceived,
    RequestReceived,
    ResponseReceived,
    StreamEnded,
)
from h2.exceptions import ProtocolError, StreamClosedError
from h2.settings import SettingCodes
from hyperframe.frame import DataFrame, GoAwayFrame, HeadersFrame, SettingsFrame

from director.l7.http2.connection import TABLE, FrameConnection, FrameLengths, Malformed, frame

GET = [(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/")]


class Both:
    """A client that sends what it likes, and our side as a server."""

    def __init__(self) -> None:
        config = H2Configuration(
            client_side=True, validate_outbound_headers=False, normalize_outbound_headers=False
        )
        self.client = H2Connection(config)
        self.ours = FrameConnection(H2Configuration(client_side=False, header_encoding=None))
        self.client.initiate_connection()
        self.ours.initiate_connection()
        self.flush()
        self.client.receive_data(self.ours.data_to_send())

    def flush(self) -> list[Any]:
        return self.ours.receive_data(self.client.data_to_send())

    def headers(self, stream: int, fields: list[tuple[str, str]], *flags: str) -> bytes:
        """A frame that h2 would not send."""
        frame = HeadersFrame(stream, self.client.encoder.encode(fields))
        for flag in ("END_HEADERS", *flags):
            frame.flags.add(flag)
        return frame.serialize()


MALFORMED = {
    "an upper-case name (8.2)": [*GET, ("X-Y", "z")],
    "a field of connections (8.2.2)": [*GET, ("connection", "close")],
    "another TE than trailers (8.2.2)": [*GET, ("te", "gzip")],
    "no path (8.3.1)": [one for one in GET if one[0] != ":path"],
    "an empty path (8.3.1)": [*GET[:3], (":path", "")],
    "two methods (8.3)": [GET[0], *GET],
    "an unknown pseudo-field (8.3)": [*GET, (":x", "y")],
    "a pseudo-field behind others (8.3)": [*GET[:3], ("a", "b"), GET[3]],
    "a response's pseudo-field (8.3)": [*GET, (":status", "200")],
    "a line's end (8.2.1)": [*GET, ("a", "b\r\nc: d")],
    "two lengths (8.1.1)": [*GET, ("content-length", "1"), ("content-length", "2")],
    "no number (8.1.1)": [*GET, ("content-length", "+1")],
}


@pytest.mark.parametrize("fields", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_request_costs_its_stream(fields: list[tuple[str, str]]) -> None:
    """RFC 9113 8.1.1, and the sections named."""
    both = Both()
    octets = both.headers(1, fields, "END_STREAM") + both.headers(3, GET, "END_STREAM")
    malformed, good, _ended = both.ours.receive_data(octets)
    assert isinstance(malformed, Malformed)
    assert isinstance(good, RequestReceived)
    assert (malformed.stream_id, bool(malformed.reason), good.stream_id) == (1, True, 3)
    both.client.streams.clear()
    sent = both.ours.data_to_send()
    assert sent[3:4] + sent[5:13] == b"\x03" + (1).to_bytes(4, "big") + b"\0\0\0\x01"


def test_trailers_that_do_not_end_the_stream_cost_it() -> None:
    both = Both()
    both.ours.receive_data(both.headers(1, GET) + both.headers(3, GET))
    (found,) = both.ours.receive_data(both.headers(1, [("a", "b")]))
    assert isinstance(found, Malformed)
    assert both.ours.receive_data(DataFrame(3, b"x").serialize())[0].__class__ is DataReceived


@pytest.mark.parametrize(("octets", "ends"), [(b"abc", True), (b"abcdef", False)])
def test_a_body_of_another_length_costs_its_stream(octets: bytes, ends: bool) -> None:
    both = Both()
    both.ours.receive_data(both.headers(1, [*GET, ("content-length", "5")]))
    frame = DataFrame(1, octets)
    if ends:
        frame.flags.add("END_STREAM")
    (found,) = both.ours.receive_data(frame.serialize())
    assert isinstance(found, Malformed)
    assert found.octets == len(octets)
    before = both.ours.inbound_flow_control_window
    both.ours.acknowledge_received_data(found.octets, 1)
    assert both.ours.inbound_flow_control_window >= before
    assert both.ours.receive_data(both.headers(3, GET))[0].__class__ is RequestReceived


def test_what_hpack_cannot_read_costs_the_connection() -> None:
    """RFC 9113 4.3: COMPRESSION_ERROR, because nobody knows the table any more."""
    both = Both()
    frame = HeadersFrame(1, b"\xff\xff\xff\xff\xff")
    frame.flags.add("END_HEADERS")
    with pytest.raises(ProtocolError):
        both.ours.receive_data(frame.serialize())


def test_a_frame_that_its_stream_does_not_expect_costs_the_connection() -> None:
    """RFC 9113 5.1: DATA on an idle stream."""
    both = Both()
    with pytest.raises(ProtocolError):
        both.ours.receive_data(DataFrame(1, b"x").serialize())


def test_frames_behind_a_goodbye_are_read() -> None:
    """RFC 9113 6.8: in the same octets or later."""
    both = Both()
    both.ours.receive_data(both.headers(1, GET))
    data = DataFrame(1, b"x").serialize()
    goodbye, first = both.ours.receive_data(GoAwayFrame(0, last_stream_id=0).serialize() + data)
    assert isinstance(goodbye, ConnectionTerminated)
    assert isinstance(first, DataReceived)
    assert both.ours.receive_data(data)[0].__class__ is DataReceived
    both.ours.send_headers(1, [(":status", "200")], end_stream=True)
    assert both.ours.data_to_send()


def test_a_stream_may_be_reset_behind_a_goodbye() -> None:
    both = Both()
    both.ours.receive_data(both.headers(1, GET) + GoAwayFrame(0, last_stream_id=0).serialize())
    both.client.streams.clear()
    both.ours.reset_stream(1, ErrorCodes.CANCEL)
    assert both.ours.data_to_send().endswith(b"\0\0\0\x08")


def test_a_peer_s_large_table_is_not_filled() -> None:
    """RFC 9113 6.5.2 lets it offer 4 GB; RFC 7541 4.2 lets us use less."""
    both = Both()
    frame = SettingsFrame(0, settings={SettingCodes.HEADER_TABLE_SIZE: (1 << 32) - 1})
    both.ours.receive_data(both.headers(1, GET) + frame.serialize())
    assert both.ours.encoder.header_table_size == TABLE
    both.client.decoder.max_allowed_table_size = (1 << 32) - 1
    both.client.streams.clear()
    fields = [(":status", "200"), *((f"x-{number}", "y" * 100) for number in range(200))]
    both.ours.send_headers(1, fields)
    assert TABLE // 2 < both.ours.encoder._size <= TABLE


@pytest.mark.parametrize("size", [1, 2, 8, 9, 10, 33, 100])
@pytest.mark.parametrize("preface", [0, 24])
def test_lengths_are_seen_in_any_pieces(size: int, preface: int) -> None:
    good = b"".join(DataFrame(1, b"\0\x7f\xff" * length).serialize() for length in (0, 1, 10, 5461))
    octets = b"P" * preface + good + b"\0\x40\x01"
    lengths = FrameLengths(preface)
    pieces = [octets[at : at + size] for at in range(0, len(octets), size)]
    assert all(lengths.within(piece) for piece in pieces)
    assert not lengths.within(b"\0\0\0\0\0\1")


def test_little_is_remembered_of_streams_that_are_over() -> None:
    both = Both()
    for number in range(1, 2 * FrameConnection.MAX_CLOSED_STREAMS + 200, 2):
        both.client.streams.clear()
        both.ours.receive_data(both.headers(number, GET, "END_STREAM"))
        both.ours.send_headers(number, [(":status", "204")], end_stream=True)
        both.ours.clear_outbound_data_buffer()
    assert both.ours.open_inbound_streams == 0
    assert len(both.ours._closed_streams) <= FrameConnection.MAX_CLOSED_STREAMS


# --- a whole response at once ---------------------------------------------------------------------


HEAD = [(b":status", b"200"), (b"content-type", b"text/plain"), (b"content-length", b"5")]


def asked(count: int = 1) -> Both:
    """A client whose requests are here."""
    both = Both()
    for number in range(count):
        both.client.send_headers(2 * number + 1, GET, end_stream=True)
    both.flush()
    return both


def test_a_whole_response_is_what_the_library_would_have_sent() -> None:
    both = asked(2)
    for stream in (1, 3):
        octets = both.ours.answer(stream, HEAD, b"hello")
        assert octets is not None
        head, data, end = both.client.receive_data(octets)
        assert isinstance(head, ResponseReceived)
        assert head.headers == HEAD
        assert isinstance(data, DataReceived)
        assert data.data == b"hello"
        assert isinstance(end, StreamEnded)
        assert end.stream_id == stream
    assert both.ours.outbound_flow_control_window == 65535 - 10
    assert both.ours.open_inbound_streams == 0


def test_what_waited_goes_before_it() -> None:
    both = asked()
    both.client.ping(b"12345678")
    both.flush()
    octets = both.ours.answer(1, HEAD, b"hello")
    assert octets is not None
    assert isinstance(both.client.receive_data(octets)[0], PingAckReceived)


@pytest.mark.parametrize("size", [16384, 16385, 50_000])
def test_a_head_of_any_length_is_continued(size: int) -> None:
    both = asked()
    both.client.decoder.max_header_list_size = 1 << 20
    octets = both.ours.answer(1, [*HEAD, (b"x-long", b"x" * size)], b"hello")
    assert octets is not None
    head, _, _ = both.client.receive_data(octets)
    assert isinstance(head, ResponseReceived)
    assert len(dict(head.headers)[b"x-long"]) == size


def test_where_the_windows_do_not_take_it_nothing_has_happened() -> None:
    both = Both()
    both.client.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 4})
    both.client.send_headers(1, GET, end_stream=True)
    both.flush()
    both.ours.data_to_send()
    assert both.ours.answer(1, HEAD, b"hello") is None
    both.ours.send_headers(1, HEAD)
    assert both.ours.answer(9, HEAD, b"") is None


def test_a_stream_that_was_taken_back_gets_none() -> None:
    both = asked()
    both.client.reset_stream(1)
    both.flush()
    with pytest.raises(StreamClosedError):
        both.ours.answer(1, HEAD, b"hello")


def test_a_head_is_judged_once_and_given_out_anew() -> None:
    """Whoever changes what it was given changes nobody else's."""
    both = asked()
    found = []
    for stream in (3, 5):
        both.client.send_headers(stream, GET, end_stream=True)
        event = both.flush()[0]
        assert isinstance(event, RequestReceived)
        found.append(event.headers)
    assert found[0] == found[1]
    assert found[0] is not found[1]


def test_settings_that_nobody_knows_are_not_remembered() -> None:
    """RFC 9113 6.5.2; those that are known change when they are acknowledged, one after the other."""
    both = Both()
    for first in range(0x100, 0x4000, 1000):
        unknown = b"".join(struct.pack(">HL", code, 7) for code in range(first, first + 1000))
        both.ours.receive_data(frame(0x4, 0, 0, unknown))
    assert len(both.ours.remote_settings) < 10
    both.client.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 4, SettingCodes.MAX_HEADER_LIST_SIZE: 9})
    both.client.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 5})
    both.flush()
    assert both.ours.remote_settings.initial_window_size == 5
    assert both.ours.remote_settings.max_header_list_size == 9

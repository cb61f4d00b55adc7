"""h2's connection, less strict where RFC 9113 is, and bounded where h2 is not.

* **A malformed message costs its stream** (RFC 9113 8.1.1), not the connection: `Malformed` is told in place
  of an exception.  HPACK is decoded before a message is judged, so the connection's state stays right.
* **A GOAWAY of the peer is news, not the end** (6.8): what is open goes on, and frames behind it are read.
* **What our encoder remembers is bounded**: a peer may offer a table of 4 GB (6.5.2), which would hold every
  field that we ever send.
* **A frame is refused by its header**: h2 would wait for all of it first, up to 16 MB (4.2).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from h2.config import H2Configuration
from h2.connection import AllowedStreamIDs, ConnectionInputs, H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, Event
from h2.exceptions import (
    DenialOfServiceError,
    InvalidBodyLengthError,
    ProtocolError,
    StreamClosedError,
    StreamIDTooLowError,
    TooManyStreamsError,
)
from h2.settings import SettingCodes, Settings
from h2.stream import H2Stream, StreamInputs
from h2.utilities import HeaderValidationFlags, normalize_inbound_headers, validate_headers
from hpack import HeaderTuple
from hyperframe.frame import DataFrame, Frame, GoAwayFrame, HeadersFrame

from director.caches import remember
from director.l7.http2.decoder import FieldDecoder
from director.l7.http2.encoder import FieldEncoder
from director.l7.http2.fields import Fields

HEADER = 9
"""Octets of a frame's header (RFC 9113 4.1)."""
FRAME = 16384
"""Octets of a frame's payload that every peer takes, and all that we take (RFC 9113 4.2)."""
TABLE = 4096
"""Octets of fields that our encoder remembers, whatever more the peer offers (RFC 7541 4.2)."""

_DATA, _HEADERS, _CONTINUATION = 0x0, 0x1, 0x9
_END_STREAM, _END_HEADERS = 0x1, 0x4
_WHOLE = (StreamInputs.SEND_HEADERS, StreamInputs.SEND_DATA, StreamInputs.SEND_END_STREAM)
"""What the state of a stream goes through with a response."""
_KNOWN = frozenset(SettingCodes)
HEADS = 128
"""Heads whose judgement is remembered, each of the size that a listener allows: 8 MB at the most."""

Header = HeaderTuple | tuple[bytes, bytes]

_OF_THE_CONNECTION = (StreamClosedError, StreamIDTooLowError, TooManyStreamsError, DenialOfServiceError)
"""Errors that say more than that a message is wrong."""


class Malformed(Event):
    """A message that its stream was reset for; `octets` of it are still to be given back to the windows."""

    def __init__(self, stream_id: int, reason: str, octets: int = 0) -> None:
        self.stream_id = stream_id
        self.reason = reason
        self.octets = octets


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """A frame on the wire (RFC 9113 4.1)."""
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


@remember("h2_heads", HEADS)
def judged(headers: tuple[Header, ...], flags: HeaderValidationFlags) -> list[Header]:
    """A head as the library wants it.  Raises ProtocolError when it is malformed (RFC 9113 8.2, 8.3)."""
    return list(validate_headers(normalize_inbound_headers(headers, flags), flags))


class _Values(list[int]):
    """A setting's value, and those that were not acknowledged yet."""

    __slots__ = ()

    def popleft(self) -> int:
        """The oldest."""
        return self.pop(0)


class SmallSettings(Settings):
    """The settings of one side, in lists: the library's deques take 760 octets for each of a dozen numbers.

    What the peer says of settings that nobody knows is ignored (RFC 9113 6.5.2); the library remembers it,
    50 MB for all 65 536.
    """

    def __init__(self, client: bool = True, initial_values: dict[SettingCodes, int] | None = None) -> None:
        super().__init__(client, initial_values)
        self._settings: Any = {code: _Values(values) for code, values in self._settings.items()}

    def __setitem__(self, code: SettingCodes | int, value: int) -> None:
        if code in _KNOWN:
            self._settings.setdefault(code, _Values((None,)))  # type: ignore[arg-type] # as the library does
            super().__setitem__(code, value)


class FrameStream(H2Stream):
    """One stream, whose heads are judged once for all that send them."""

    def _process_received_headers(
        self,
        headers: Iterable[Header],
        header_validation_flags: HeaderValidationFlags,
        header_encoding: bool | str | None,
    ) -> list[Header]:
        return judged(tuple(headers), header_validation_flags).copy()


class FrameConnection(H2Connection):
    """One connection, of either role."""

    MAX_CLOSED_STREAMS = 4096
    """Streams of which is remembered how they ended: late frames of theirs are no offence (RFC 9113 5.1).

    h2 keeps 65 536, which is 6 MB for each connection that lives long.
    """

    def __init__(self, config: H2Configuration) -> None:
        super().__init__(config)
        self.encoder: Any = FieldEncoder()
        self.decoder = FieldDecoder()
        self.remote_settings = SmallSettings(client=not config.client_side)

    def _begin_new_stream(self, stream_id: int, allowed_ids: AllowedStreamIDs) -> H2Stream:
        """As the library's, with streams of ours."""
        outbound = self._stream_id_is_outbound(stream_id)
        highest = self.highest_outbound_stream_id if outbound else self.highest_inbound_stream_id
        if stream_id <= highest:
            raise StreamIDTooLowError(stream_id, highest)
        if stream_id % 2 != int(allowed_ids):
            raise ProtocolError("Invalid stream ID for peer.")
        stream = self.streams[stream_id] = FrameStream(
            stream_id,
            config=self.config,
            inbound_window_size=self.local_settings.initial_window_size,
            outbound_window_size=self.remote_settings.initial_window_size,
        )
        stream.max_outbound_frame_size = self.max_outbound_frame_size
        if outbound:
            self.highest_outbound_stream_id = stream_id
        else:
            self.highest_inbound_stream_id = stream_id
        return stream

    def answer(self, stream_id: int, fields: Fields, payload: bytes) -> bytes | None:
        """The octets of what waited, and of a whole response; None where its windows do not take it now.

        The library's `send_headers` and `send_data` cost four times as much, most of it for questions that do
        not arise here.  Raises ProtocolError as they do.
        """
        stream = self.streams.get(stream_id)
        size = len(payload)
        if stream is None or size > min(
            self.outbound_flow_control_window,
            stream.outbound_flow_control_window,
            self.max_outbound_frame_size,
        ):
            return None
        self.state_machine.process_input(ConnectionInputs.SEND_HEADERS)
        for step in _WHOLE:
            stream.state_machine.process_input(step)
        self.outbound_flow_control_window -= size
        stream.outbound_flow_control_window -= size
        block, most = self.encoder.encode(fields), self.max_outbound_frame_size
        octets = self.data_to_send()
        if len(block) <= most:
            octets += frame(_HEADERS, _END_HEADERS, stream_id, block)
        else:
            octets += frame(_HEADERS, 0, stream_id, block[:most])
            for at in range(most, len(block), most):
                last = at + most >= len(block)
                octets += frame(_CONTINUATION, _END_HEADERS if last else 0, stream_id, block[at : at + most])
        return octets + frame(_DATA, _END_STREAM, stream_id, payload)

    def _receive_headers_frame(self, frame: HeadersFrame) -> tuple[list[Frame], list[Event]]:
        try:
            return super()._receive_headers_frame(frame)
        except _OF_THE_CONNECTION:
            raise
        except ProtocolError as error:
            # With a cause it is HPACK's error, or one of a stream in whose state no such frame may come.
            if error.__cause__ is not None:
                raise
            return self._malformed(frame, str(error))

    def _receive_data_frame(self, frame: DataFrame) -> tuple[list[Frame], list[Event]]:
        try:
            return super()._receive_data_frame(frame)
        except InvalidBodyLengthError as error:
            return self._malformed(frame, str(error), frame.flow_controlled_length)

    def _malformed(self, frame: Frame, reason: str, octets: int = 0) -> tuple[list[Frame], list[Event]]:
        stream = self._get_stream_by_id(frame.stream_id)
        frames = stream.reset_stream(ErrorCodes.PROTOCOL_ERROR)
        return frames, [Malformed(frame.stream_id, reason, octets)]

    def _receive_goaway_frame(self, frame: GoAwayFrame) -> tuple[list[Frame], list[Event]]:
        event = ConnectionTerminated()
        event.error_code = frame.error_code
        event.last_stream_id = frame.last_stream_id
        event.additional_data = frame.additional_data or None
        return [], [event]

    def _acknowledge_settings(self) -> list[Frame]:
        frames = super()._acknowledge_settings()
        # Set only when it is larger: a size that is set twice is not told to the peer (hpack 4).
        if self.encoder.header_table_size > TABLE:  # noqa: PLR1730
            self.encoder.header_table_size = TABLE
        return frames


class FrameLengths:
    """Follows the frames in a stream of octets by their headers.

    Args:
        preface: octets before the first frame (RFC 9113 3.4).
    """

    __slots__ = ("_body", "_header", "_preface")

    def __init__(self, preface: int = 0) -> None:
        self._preface = preface
        self._header = b""
        self._body = 0

    def within(self, data: bytes) -> bool:
        """Whether every frame that begins in the next octets is one that we take."""
        at = min(self._preface, len(data))
        self._preface -= at
        while at < len(data):
            if self._body:
                moved = min(self._body, len(data) - at)
                self._body -= moved
                at += moved
                continue
            moved = HEADER - len(self._header)
            self._header += data[at : at + moved]
            at += moved
            if len(self._header) == HEADER:
                self._body = int.from_bytes(self._header[:3], "big")
                self._header = b""
                if self._body > FRAME:
                    return False
        return True

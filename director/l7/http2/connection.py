"""h2's connection, less strict where RFC 9113 is, and bounded where h2 is not.

* **A malformed message costs its stream** (RFC 9113 8.1.1), not the connection: `Malformed` is told in place
  of an exception.  HPACK is decoded before a message is judged, so the connection's state stays right.
* **A GOAWAY of the peer is news, not the end** (6.8): what is open goes on, and frames behind it are read.
* **What our encoder remembers is bounded**: a peer may offer a table of 4 GB (6.5.2), which would hold every
  field that we ever send.
* **A frame is refused by its header**: h2 would wait for all of it first, up to 16 MB (4.2).
"""

from __future__ import annotations

from h2.connection import H2Connection
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
from hyperframe.frame import DataFrame, Frame, GoAwayFrame, HeadersFrame

HEADER = 9
"""Octets of a frame's header (RFC 9113 4.1)."""
FRAME = 16384
"""Octets of a frame's payload that every peer takes, and all that we take (RFC 9113 4.2)."""
TABLE = 4096
"""Octets of fields that our encoder remembers, whatever more the peer offers (RFC 7541 4.2)."""

_OF_THE_CONNECTION = (StreamClosedError, StreamIDTooLowError, TooManyStreamsError, DenialOfServiceError)
"""Errors that say more than that a message is wrong."""


class Malformed(Event):
    """A message that its stream was reset for; `octets` of it are still to be given back to the windows."""

    def __init__(self, stream_id: int, reason: str, octets: int = 0) -> None:
        self.stream_id = stream_id
        self.reason = reason
        self.octets = octets


class FrameConnection(H2Connection):
    """One connection, of either role."""

    MAX_CLOSED_STREAMS = 4096
    """Streams of which is remembered how they ended: late frames of theirs are no offence (RFC 9113 5.1).

    h2 keeps 65 536, which is 6 MB for each connection that lives long.
    """

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

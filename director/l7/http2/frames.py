"""An HTTP/2 connection of a client: what we offer it, and how we leave it.

A client can send one window (`STREAM_WINDOW`) to a stream that nobody reads, and `CONNECTION_WINDOW` to all.
What both roles have in common is `side`.
"""

from __future__ import annotations

from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError, StreamClosedError
from h2.settings import SettingCodes
from hyperframe.frame import GoAwayFrame

from director.l7.http2.connection import SmallSettings
from director.l7.http2.fields import Fields
from director.l7.http2.side import FrameSide

STREAM_WINDOW = 65536
"""Octets of a stream's body that may be on the way unread."""
CONNECTION_WINDOW = 1 << 20
"""The same for all streams of a connection."""
STREAMS = 128
"""Streams at the same time (RFC 9113 6.5.2 recommends no less than 100)."""
PREFACE_OCTETS = 24
"""Octets of a client's preface before its first frame (RFC 9113 3.4)."""
STREAMS_BEYOND = 2 * STREAMS
"""Streams from which a client that ignores `STREAMS` is left; those between are refused one by one
(RFC 9113 5.1.2), because a client may not have read our settings yet."""


class Frames(FrameSide):
    """The frames of one client's connection.

    Attributes:
        highest: the last stream that was served (RFC 9113 6.8).
    """

    def __init__(self, header_limit: int) -> None:
        super().__init__(client=False, preface=PREFACE_OCTETS, header_limit=header_limit)
        self._header_limit = header_limit
        self._h2.local_settings = self._settings(STREAMS)
        self.highest = 0

    def _settings(self, streams: int) -> SmallSettings:
        return SmallSettings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: streams,
                SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
                SettingCodes.MAX_HEADER_LIST_SIZE: self._header_limit,
                SettingCodes.ENABLE_CONNECT_PROTOCOL: 1,
            },
        )

    def begin(self) -> bytes:
        """Our part of the preface (RFC 9113 3.4)."""
        self._h2.initiate_connection()
        # h2 would end the connection at the first stream too many; so that one can be refused alone.
        self._h2.local_settings = self._settings(STREAMS_BEYOND)
        self._h2.increment_flow_control_window(CONNECTION_WINDOW - 65535)
        return self._h2.data_to_send()

    def head(self, stream: int, fields: Fields, *, end: bool = False) -> bytes:
        """A head (interim or final); nothing when the stream is gone."""
        try:
            self._h2.send_headers(stream, fields, end_stream=end)
        except (StreamClosedError, ProtocolError):
            return b""
        return self._h2.data_to_send()

    def answer(self, stream: int, fields: Fields, payload: bytes) -> bytes:
        """A whole response with a body; at once where its windows take it."""
        if stream not in self._outputs:
            try:
                octets = self._h2.answer(stream, fields, payload)
            except (StreamClosedError, ProtocolError):
                return b""
            if octets is not None:
                self._sent += 1
                return octets
        return self.head(stream, fields) + self.data(stream, payload, end=True)

    def goaway(self, code: ErrorCodes = ErrorCodes.NO_ERROR, why: str = "") -> bytes:
        """Tell the client to open no more streams; those that are open go on (RFC 9113 6.8).

        Written by hand, because h2 takes its own GOAWAY for the end of everything.
        """
        frame = GoAwayFrame(
            0, last_stream_id=self.highest, error_code=code, additional_data=why.encode("ascii")
        )
        return self._h2.data_to_send() + bytes(frame.serialize())

"""An HTTP/2 connection to a server: many requests on it, each with a window of its own.

The connection's window is given back at once, whatever becomes of the octets: otherwise a few clients that do
not read would hold up everybody whose requests are on the same connection.  What bounds them is their
streams' windows: a server can have `STREAM_WINDOW` octets of each response on the way unread, no more.
"""

from __future__ import annotations

from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError, StreamClosedError
from h2.settings import SettingCodes
from hyperframe.frame import GoAwayFrame

from director.l7.http2.connection import SmallSettings
from director.l7.http2.fields import Fields
from director.l7.http2.side import FrameSide

STREAM_WINDOW = 262144
"""Octets of a response that may be on the way unread."""
CONNECTION_WINDOW = 1 << 24
"""The same for all responses of a connection; it is never what holds them up."""
STREAMS = 100
"""Requests at the same time on one connection, as far as the server allows so many: a lost connection costs
them all."""
HEADER_LIMIT = 65536
"""Octets of a response's fields, as of an HTTP/1 response's head."""
LAST_STREAM = (1 << 31) - 1024
"""Behind this one a connection has hardly any numbers left (RFC 9113 5.1.1)."""


class Upstream(FrameSide):
    """The frames of one connection to a server; `shut` while its socket takes no more."""

    def __init__(self) -> None:
        super().__init__(client=True, preface=0, header_limit=HEADER_LIMIT)
        self._h2.local_settings = SmallSettings(
            client=True,
            initial_values={
                SettingCodes.ENABLE_PUSH: 0,
                SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
                SettingCodes.MAX_HEADER_LIST_SIZE: HEADER_LIMIT,
            },
        )
        self._unpaid = 0
        self._unpaid_of: dict[int, int] = {}

    def begin(self) -> bytes:
        """Our preface (RFC 9113 3.4)."""
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(CONNECTION_WINDOW - 65535)
        return self._h2.data_to_send()

    @property
    def room(self) -> int:
        """Requests at the same time that the server allows, and that we want."""
        return min(self._h2.remote_settings.max_concurrent_streams, STREAMS)

    @property
    def takes_websockets(self) -> bool:
        """It understands an extended CONNECT (RFC 8441 3)."""
        return bool(self._h2.remote_settings.enable_connect_protocol)

    def request(self, fields: Fields, *, end: bool) -> tuple[int, bytes]:
        """A stream for a request: its number, and its head's octets; number 0 when none can be had."""
        try:
            stream = self._h2.get_next_available_stream_id()
            if stream > LAST_STREAM:
                return 0, b""
            self._h2.send_headers(stream, list(fields), end_stream=end)
        except ProtocolError:
            return 0, b""
        self.count_request()
        return stream, self._h2.data_to_send()

    def came(self, octets: int) -> None:
        """So many flow-controlled octets came: the connection's window gets them back."""
        self._unpaid += octets
        if self._unpaid >= CONNECTION_WINDOW // 2:
            self._h2.increment_flow_control_window(self._unpaid)
            self._unpaid = 0

    def taken(self, stream: int, octets: int) -> bytes:
        """So many octets of a stream were passed on: its server may send as many again."""
        unpaid = self._unpaid_of.get(stream, 0) + octets
        if unpaid < STREAM_WINDOW // 2:
            self._unpaid_of[stream] = unpaid
            return b""
        self._unpaid_of[stream] = 0
        try:
            self._h2.increment_flow_control_window(unpaid, stream)
        except (StreamClosedError, ProtocolError):
            return b""
        return self._h2.data_to_send()

    def over(self, stream: int) -> None:
        """Nothing more is to be said of a stream."""
        self.gone(stream)
        self._unpaid_of.pop(stream, None)

    def goaway(self, code: ErrorCodes = ErrorCodes.NO_ERROR, why: str = "") -> bytes:
        """Tell the server that we leave; it has opened no streams (RFC 9113 6.8)."""
        frame = GoAwayFrame(0, last_stream_id=0, error_code=code, additional_data=why.encode("ascii"))
        return self._h2.data_to_send() + bytes(frame.serialize())

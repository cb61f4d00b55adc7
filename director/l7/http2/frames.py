"""One HTTP/2 connection of a client: its windows, what waits for them, and what it may do.

The library h2 knows frames, HPACK and the states of streams; what is decided here:

* **Back-pressure into the connection.**  A stream's window is opened again only by what was passed on:
`taken` says
  so.  A client can send one window (`STREAM_WINDOW`) to a stream that nobody reads, and `CONNECTION_WINDOW`
  to all.
* **Back-pressure out of it.**  What the client's windows do not take waits in the stream's queue; above
`HIGH_WATER`
  the stream is `held`, and whoever fills it has to stop until it is empty enough.
* **Fairness.**  Streams that wait get a frame each in turn, not one of them all there is.
* **Floods** (CVE-2019-9511 to 9518, CVE-2023-44487, CVE-2024-27316): frames that cost us work and the
client nothing
  are counted in spans of `SPAN` seconds, against the requests and octets of the same span; who goes beyond
  is told
  ENHANCE_YOUR_CALM and left.  Header blocks and their continuations are bounded by h2 and `limit.header`.

Everything that is written comes back as octets, in order; h2 keeps none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from h2.config import H2Configuration
from h2.connection import ConnectionState, H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import FlowControlError, ProtocolError, StreamClosedError
from h2.settings import SettingCodes, Settings
from hyperframe.frame import GoAwayFrame

STREAM_WINDOW = 65536
"""Octets of a stream's body that may be on the way unread."""
CONNECTION_WINDOW = 1 << 20
"""The same for all streams of a connection."""
STREAMS = 128
"""Streams at the same time (RFC 9113 6.5.2 recommends no less than 100)."""
HIGH_WATER = 131072
"""Octets that wait for a stream's window before its server is paused."""
LOW_WATER = 32768
"""Octets at which it goes on."""
HEADER = 9
"""Octets of a frame's header (RFC 9113 4.1)."""
PREFACE_OCTETS = 24
"""Octets of a client's preface before its first frame (RFC 9113 3.4)."""
FRAME = 16384
"""Octets of a DATA frame: what every client takes (RFC 9113 4.2)."""
SPAN = 10.0
"""Seconds over which a client's frames are counted."""
CONTROL_FRAMES = 1000
"""Frames in a span that ask for work and carry no request: SETTINGS, PING, PRIORITY, unknown, empty DATA."""
WINDOWS_PER_FRAME = 4
"""WINDOW_UPDATEs for each DATA frame that was sent, beyond `CONTROL_FRAMES`: of its stream and of the
connection, and twice as many for clients that give windows back in halves."""
STREAMS_BEYOND = 2 * STREAMS
"""Streams from which a client that ignores `STREAMS` is left; those between are refused one by one
(RFC 9113 5.1.2), because a client may not have read our settings yet."""
RESETS = 200
"""Streams in a span that the client opened and took back before their response; beyond the half of all."""

Fields = Sequence[tuple[bytes, bytes]]


class _Output:
    """What waits for a stream's window: octets, and how it ends."""

    __slots__ = ("held", "parts", "size", "trailers", "whole")

    def __init__(self) -> None:
        self.parts: deque[memoryview] = deque()
        self.size = 0
        self.held = False
        self.whole = False
        self.trailers: Fields = ()


class FloodError(Exception):
    """The client asks for more work than it is good for; the text says of what."""


class Frames:
    """The frames of one connection.

    Attributes:
        held: streams whose queue is above `HIGH_WATER` since it was last asked (`changes`).
    """

    def __init__(self, header_limit: int) -> None:
        self._h2 = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        self._header_limit = header_limit
        self._h2.local_settings = self._settings(STREAMS)
        self._h2.decoder.max_header_list_size = header_limit
        self._outputs: dict[int, _Output] = {}
        self._turn: deque[int] = deque()
        self._changes: dict[int, bool] = {}
        self._span_began = 0.0
        self._control = self._resets = self._requests = self._windows = self._sent = 0
        self.highest = 0
        # Where the octets stand in the client's frames: of the preface, a header, a body.
        self._preface = PREFACE_OCTETS
        self._header = b""
        self._header_seen = 0
        self._body = 0

    def _settings(self, streams: int) -> Settings:
        return Settings(
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

    # -- in --

    def receive(self, data: bytes) -> list[Any]:
        """The events that octets bring.  Raises ProtocolError; `rest` then has the GOAWAY."""
        self._look_at_lengths(data)
        return self._h2.receive_data(data)

    def _look_at_lengths(self, data: bytes) -> None:
        """Refuse a frame by its header: h2 would wait for all of it first, up to 16 MB (RFC 9113 4.2)."""
        at = 0
        if self._preface:
            at = min(self._preface, len(data))
            self._preface -= at
        while at < len(data):
            if self._body:
                moved = min(self._body, len(data) - at)
                self._body -= moved
                at += moved
                continue
            self._header += data[at : at + HEADER - len(self._header)]
            at = min(len(data), at + HEADER - self._header_seen)
            self._header_seen = len(self._header)
            if self._header_seen == HEADER:
                self._body = int.from_bytes(self._header[:3], "big")
                self._header, self._header_seen = b"", 0
                if self._body > FRAME:
                    self._h2.close_connection(ErrorCodes.FRAME_SIZE_ERROR)
                    raise ProtocolError("a frame is longer than was offered")

    def rest(self) -> bytes:
        """What h2 wants to say by itself: acknowledgements, and the end after an error."""
        return self._h2.data_to_send()

    def count(
        self, now: float, *, control: int = 0, resets: int = 0, requests: int = 0, windows: int = 0
    ) -> None:
        """Count frames of the client.  Raises FloodError beyond the bounds."""
        if now - self._span_began > SPAN:
            self._span_began = now
            self._control = self._resets = self._requests = self._windows = 0
            # What was sent a moment ago is still given back.
            self._sent >>= 1
        self._windows += windows
        self._control += control
        self._resets += resets
        self._requests += requests
        if self._control > CONTROL_FRAMES:
            raise FloodError(f"more than {CONTROL_FRAMES} control frames in {SPAN:g} s")
        if self._windows > CONTROL_FRAMES + WINDOWS_PER_FRAME * self._sent:
            raise FloodError(f"more than {CONTROL_FRAMES} updates of unused windows in {SPAN:g} s")
        if self._resets > max(RESETS, self._requests // 2):
            raise FloodError(f"more than {RESETS} requests taken back in {SPAN:g} s")

    def taken(self, stream: int, octets: int) -> bytes:
        """So many flow-controlled octets of a stream were passed on: its client may send as many again."""
        if octets:
            # Also for a stream that is over: the connection's window wants them back.
            self._h2.acknowledge_received_data(octets, stream)
        return self._h2.data_to_send()

    # -- out --

    def head(self, stream: int, fields: Fields, *, end: bool = False) -> bytes:
        """A head (interim or final); nothing when the stream is gone."""
        try:
            self._h2.send_headers(stream, fields, end_stream=end)
        except (StreamClosedError, ProtocolError):
            return b""
        return self._h2.data_to_send()

    def data(self, stream: int, payload: bytes, *, end: bool, trailers: Fields = ()) -> bytes:
        """Octets of a body; what the windows do not take waits."""
        output = self._outputs.get(stream)
        if output is None:
            output = self._outputs[stream] = _Output()
            self._turn.append(stream)
        if payload:
            output.parts.append(memoryview(payload))
            output.size += len(payload)
        output.whole = output.whole or end
        if trailers:
            output.trailers = trailers
        self._send_waiting()
        if stream in self._outputs and output.size > HIGH_WATER and not output.held:
            output.held = True
            self._changes[stream] = True
        return self._h2.data_to_send()

    def pump(self) -> bytes:
        """Windows have grown: send what waits for them."""
        self._send_waiting()
        return self._h2.data_to_send()

    def _send_waiting(self) -> None:
        """A frame of each stream in turn, until no window takes more."""
        idle = 0
        while self._turn and idle < len(self._turn):
            stream = self._turn.popleft()
            output = self._outputs.get(stream)
            if output is None:
                continue
            moved = self._send_some(stream, output)
            if moved is None:
                self._forget(stream)
                continue
            self._turn.append(stream)
            idle = 0 if moved else idle + 1

    def _send_some(self, stream: int, output: _Output) -> bool | None:
        """One frame; False when its window is shut or nothing is there, None when the stream is done."""
        try:
            if not output.parts:
                return self._end(stream, output)
            window = self._h2.local_flow_control_window(stream)
            if window <= 0:
                return False
            part = output.parts[0]
            size = min(window, FRAME, self._h2.max_outbound_frame_size, len(part))
            last = output.whole and not output.trailers and size == output.size
            self._h2.send_data(stream, bytes(part[:size]), end_stream=last)
        except (StreamClosedError, ProtocolError, FlowControlError):
            return None
        self._sent += 1
        output.size -= size
        if size == len(part):
            output.parts.popleft()
        else:
            output.parts[0] = part[size:]
        if output.held and output.size <= LOW_WATER:
            output.held = False
            self._changes[stream] = False
        return None if last else True

    def _end(self, stream: int, output: _Output) -> bool | None:
        if not output.whole:
            return False
        if output.trailers:
            self._h2.send_headers(stream, output.trailers, end_stream=True)
        else:
            self._h2.end_stream(stream)
        return None

    def _forget(self, stream: int) -> None:
        output = self._outputs.pop(stream, None)
        if output is not None and output.held:
            self._changes[stream] = False

    def changes(self) -> dict[int, bool]:
        """Streams that are held (True) or go on (False) since this was last asked."""
        found, self._changes = self._changes, {}
        return found

    def waits(self, stream: int) -> bool:
        """Something of the stream is not sent yet."""
        return stream in self._outputs

    @property
    def idle(self) -> bool:
        """Nothing waits for any window."""
        return not self._outputs

    # -- ends --

    def reset(self, stream: int, code: ErrorCodes) -> bytes:
        """Break a stream off; what waits is dropped."""
        self._forget(stream)
        try:
            self._h2.reset_stream(stream, code)
        except (StreamClosedError, ProtocolError):
            return b""
        return self._h2.data_to_send()

    def gone(self, stream: int) -> None:
        """The client has broken a stream off."""
        self._forget(stream)

    def client_said_goodbye(self) -> None:
        """A GOAWAY of the client: what is open goes on (RFC 9113 6.8), though h2 takes it for the end."""
        self._h2.state_machine.state = ConnectionState.SERVER_OPEN

    def goaway(self, code: ErrorCodes = ErrorCodes.NO_ERROR, why: str = "") -> bytes:
        """Tell the client to open no more streams; those that are open go on (RFC 9113 6.8).

        Written by hand, because h2 takes its own GOAWAY for the end of everything.
        """
        frame = GoAwayFrame(
            0, last_stream_id=self.highest, error_code=code, additional_data=why.encode("ascii")
        )
        return self._h2.data_to_send() + bytes(frame.serialize())


def head_fields(text: bytes) -> list[tuple[bytes, bytes]]:
    """The fields of a response's head in HTTP/1 form, for HTTP/2: lower case, its status first."""
    lines = text.split(b"\r\n")
    fields = [(b":status", lines[0].split(b" ", 2)[1])]
    fields += lines_to_fields(lines[1:])
    return fields


def lines_to_fields(lines: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
    """Field lines as pairs, less those of HTTP/1 connections (RFC 9113 8.2.2)."""
    found = []
    for line in lines:
        name, colon, value = line.partition(b":")
        lower = name.lower()
        if colon and lower not in _SPECIFIC:
            found.append((lower, value.strip(b" \t")))
    return found


_SPECIFIC = frozenset((b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade"))

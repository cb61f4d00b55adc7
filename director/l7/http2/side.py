"""One side of an HTTP/2 connection: its windows, what waits for them, and what the peer may do.

The library h2 knows frames, HPACK and the states of streams; what is decided here:

* **Back-pressure into the connection.**  A stream's window is opened again only by what was passed on:
  `taken` says so.
* **Back-pressure out of it.**  What the peer's windows do not take waits in the stream's queue; above
  `HIGH_WATER` the stream is `held`, and whoever fills it has to stop until it is empty enough.
* **Fairness.**  Streams that wait get a frame each in turn, not one of them all there is.
* **Floods** (CVE-2019-9511 to 9518, CVE-2023-44487, CVE-2024-27316): frames that cost us work and the peer
  nothing are counted in spans of `SPAN` seconds, against the requests and octets of the same span; who goes
  beyond is told ENHANCE_YOUR_CALM and left.  Header blocks and their continuations are bounded by h2.

Everything that is written comes back as octets, in order; h2 keeps none.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from h2.config import H2Configuration
from h2.errors import ErrorCodes
from h2.exceptions import FlowControlError, ProtocolError, StreamClosedError

from director.l7.http2.connection import FRAME, FrameConnection, FrameLengths
from director.l7.http2.fields import Fields

HIGH_WATER = 131072
"""Octets that wait for a stream's window before who fills it is paused."""
LOW_WATER = 32768
"""Octets at which it goes on."""
SPAN = 10.0
"""Seconds over which a peer's frames are counted."""
CONTROL_FRAMES = 1000
"""Frames in a span that ask for work and carry no message: SETTINGS, PING, PRIORITY, unknown, empty DATA."""
WINDOWS_PER_FRAME = 4
"""WINDOW_UPDATEs for each DATA frame that was sent, beyond `CONTROL_FRAMES`: of its stream and of the
connection, and twice as many for peers that give windows back in halves."""
RESETS = 200
"""Streams in a span that the peer took back; beyond the half of all."""


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
    """The peer asks for more work than it is good for; the text says of what."""


class FrameSide:
    """What both roles have in common.

    Args:
        client: our role. preface: octets that come before the peer's first frame.
        header_limit: octets of a header list.

    Attributes:
        shut: the socket takes no more for now, so bodies wait though windows are open.
    """

    def __init__(self, *, client: bool, preface: int, header_limit: int) -> None:
        # What we answer was framed by ourselves, in lower case and without what belongs to one connection
        # (`fields`).  Of requests the library sees to it that secrets stay out of the compression's table.
        config = H2Configuration(
            client_side=client,
            header_encoding=None,
            normalize_outbound_headers=client,
            validate_outbound_headers=client,
        )
        self._h2 = FrameConnection(config)
        self._h2.decoder.max_header_list_size = header_limit
        self._lengths = FrameLengths(preface)
        self._outputs: dict[int, _Output] = {}
        self._turn: deque[int] = deque()
        self._changes: dict[int, bool] = {}
        self._span_began = 0.0
        self._control = self._resets = self._requests = self._windows = self._sent = 0
        self.shut = False

    # -- in --

    def receive(self, data: bytes) -> list[Any]:
        """The events that octets bring.  Raises ProtocolError; `rest` then has the GOAWAY."""
        if not self._lengths.within(data):
            self._h2.close_connection(ErrorCodes.FRAME_SIZE_ERROR)
            raise ProtocolError("a frame is longer than was offered")
        return self._h2.receive_data(data)

    def rest(self) -> bytes:
        """What h2 wants to say by itself: acknowledgements, and the end after an error."""
        return self._h2.data_to_send()

    def count(
        self, now: float, *, control: int = 0, resets: int = 0, requests: int = 0, windows: int = 0
    ) -> None:
        """Count frames of the peer.  Raises FloodError beyond the bounds."""
        if now - self._span_began > SPAN:
            self._span_began = now
            self._control = self._resets = self._requests = self._windows = 0
            # What was sent a moment ago is still given back.
            self._sent >>= 1
        self._windows += windows
        self._control += control
        self._resets += resets
        self._requests += requests
        # A PING for each DATA frame is how some measure the delay of a path.
        if self._control > CONTROL_FRAMES + self._sent:
            raise FloodError(f"more than {CONTROL_FRAMES} control frames in {SPAN:g} s")
        if self._windows > CONTROL_FRAMES + WINDOWS_PER_FRAME * self._sent:
            raise FloodError(f"more than {CONTROL_FRAMES} updates of unused windows in {SPAN:g} s")
        if self._resets > max(RESETS, self._requests // 2):
            raise FloodError(f"more than {RESETS} requests taken back in {SPAN:g} s")

    def count_request(self) -> None:
        """One more request of ours: an answer to it is no flood."""
        self._requests += 1

    def taken(self, stream: int, octets: int) -> bytes:
        """So many flow-controlled octets of a stream were passed on: its client may send as many again."""
        if octets:
            # Also for a stream that is over: the connection's window wants them back.
            self._h2.acknowledge_received_data(octets, stream)
        return self._h2.data_to_send()

    # -- out --

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
        if self.shut:
            return
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

    def queued(self, stream: int) -> int:
        """Octets of a stream that wait for its window."""
        output = self._outputs.get(stream)
        return 0 if output is None else output.size

    def waits(self, stream: int) -> bool:
        """Something of the stream is not sent yet."""
        return stream in self._outputs

    @property
    def waiting(self) -> int:
        """Octets of all streams that wait for windows."""
        return sum(output.size for output in self._outputs.values())

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
        """The peer has broken a stream off."""
        self._forget(stream)

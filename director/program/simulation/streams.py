"""A client that speaks HTTP/2 with prior knowledge (RFC 9113 3.3): each of its requests is a stream.

The frames are those of the library h2, which is strict about what comes.  What the director says that it did
not look at (GOAWAY, REFUSED_STREAM; RFC 9113 6.8, 8.7) is asked again on another connection.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from h2 import events
from h2.config import H2Configuration
from h2.connection import ConnectionState, H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError

from director.program.simulation.clients import JUNK, PATIENCE, TRIES, Asked, GotAnswer, tag_of
from director.program.simulation.messages import body_of
from director.program.simulation.schedule import ClientPlan
from director.program.simulation.servers import SERIAL, SERVER, TAG, WANT
from director.program.simulation.sockets import Cable, End


class _Patient(H2Connection):
    """GOAWAY is no end: what was asked for before is still answered (RFC 9113 6.8)."""

    def _receive_goaway_frame(self, frame: Any) -> Any:
        found = super()._receive_goaway_frame(frame)
        self.state_machine.state = ConnectionState.CLIENT_OPEN
        return found


class StreamsClient:
    """One client.

    Attributes:
        asked: its requests.  over: it has left.
    """

    def __init__(
        self, loop: Any, plan: ClientPlan, name: tuple[str, int], wire: Cable, left: Callable[[], object]
    ) -> None:
        self.plan = plan
        self.asked = [Asked(plan, at, ask, tag_of(plan, at)) for at, ask in enumerate(plan.asks)]
        self.over = False
        self._left = left
        self._loop = loop
        self._name = name
        self._wire = wire
        self._address = f"192.0.{plan.number // 250}.{plan.number % 250 + 1}"
        self._calls = 0
        self._end: End | None = None
        self._out = bytearray()
        self._streams: dict[int, Asked] = {}
        self._bodies: dict[int, bytes] = {}
        self._going = False
        loop.at(plan.at, self._call)
        if plan.leaves == "abort":
            loop.at(plan.at + plan.after, self._abort)

    # -- the connection --

    def _call(self) -> None:
        if not self.over:
            self._calls += 1
            if self._calls > TRIES:
                self._leave("gave up after too many connections")
                return
            self._loop.network.call(self._name, self._address, self._wire, self._called)

    def _called(self, end: End | None) -> None:
        if self.over:
            if end is not None:
                end.abort()
        elif end is not None:
            self._end, self._going = end, False
            self._out.clear()
            self._streams.clear()
            self._bodies.clear()
            self._h2 = _Patient(H2Configuration(client_side=True, header_encoding="latin-1"))
            self._h2.initiate_connection()
            end.watch(self)
            self._go_on()
        elif self._loop.network.closing:
            self._leave()
        else:
            self._loop.after(PATIENCE, self._call)

    def _abort(self) -> None:
        if not self.over:
            self._hang_up(reset=True)
            self._leave()

    def _hang_up(self, *, reset: bool = False) -> None:
        end, self._end = self._end, None
        if end is not None:
            end.watcher = None
            if reset:
                end.abort()
            else:
                end.close()

    def _leave(self, why: str = "") -> None:
        for asked in self.asked:
            if not asked.over:
                asked.over = asked.left = True
                asked.wrong += [why] if why else []
        if not self.over:
            self.over = True
            self._left()

    # -- asking --

    def _go_on(self) -> None:
        """The next request, all of them, or the end."""
        if self._end is None or self.over:
            return
        left = [asked for asked in self.asked if not asked.over and asked not in self._streams.values()]
        if not left and not self._streams:
            self._h2.close_connection()
            self._flush()
            self._hang_up()
            self._leave()
            return
        if self._going:
            left = []
        for asked in left if self.plan.pipelined else left[: 1 - len(self._streams)]:
            if self._h2.open_outbound_streams < self._h2.remote_settings.max_concurrent_streams:
                self._ask(asked)
        self._flush()

    def _ask(self, asked: Asked) -> None:
        ask, last = asked.ask, asked.index == len(self.asked) - 1
        asked.tries += 1
        asked.answers, asked.began = [], self._loop.seconds()
        if last and self.plan.leaves == "junk":
            for one in (asked, *self._streams.values()):
                one.left = one.over = True
            self._flush()
            self._out += JUNK * 2
            return
        number = self._h2.get_next_available_stream_id()
        body = body_of(asked.name, ask.upload)
        fields = [
            (":method", ask.method),
            (":scheme", "http"),
            (":authority", ask.host),
            (":path", ask.target),
        ]
        fields += [(TAG, asked.tag), (WANT, f"{ask.size};{ask.framing};{ask.think:g};{ask.hints}")]
        fields += [("content-length", str(len(body)))] if body and not ask.chunked else []
        self._h2.send_headers(number, fields, end_stream=not body)
        self._streams[number] = asked
        if body:
            self._bodies[number] = body
        else:
            asked.sent = asked.began
        if last and self.plan.leaves == "half":
            self._loop.after(self.plan.after, self._cancel, number, self._end)

    def _cancel(self, number: int, end: End | None) -> None:
        """Ask no more for that one."""
        asked = self._streams.get(number)
        if asked is not None and self._end is end and end is not None:
            asked.left = asked.over = True
            del self._streams[number]
            self._bodies.pop(number, None)
            with contextlib.suppress(ProtocolError):
                self._h2.reset_stream(number, ErrorCodes.CANCEL)
            self._flush()
            self._go_on()

    def _flush(self) -> None:
        """Send what there is, and as much of the bodies as windows allow."""
        end = self._end
        if end is None:
            return
        for number in list(self._bodies):
            self._send_body(number)
        self._out += self._h2.data_to_send()
        try:
            while self._out:
                del self._out[: end.send(self._out)]
        except OSError:
            return

    def _send_body(self, number: int) -> None:
        while number in self._bodies:
            body = self._bodies.pop(number)
            room = min(self._h2.local_flow_control_window(number), self._h2.max_outbound_frame_size)
            if room <= 0:
                self._bodies[number] = body
                return
            rest = body[room:]
            self._h2.send_data(number, body[:room], end_stream=not rest)
            if rest:
                self._bodies[number] = rest
            else:
                self._streams[number].sent = self._loop.seconds()

    # -- answers --

    def received(self, data: bytes) -> None:
        """Frames."""
        if self.plan.slow and self._end is not None:
            self._end.pause()
            self._loop.after(self.plan.slow, self._end.go_on)
        try:
            found = self._h2.receive_data(data)
        except ProtocolError as error:
            self._broken(f"frames that cannot be read: {error}")
            return
        for event in found:
            act = _ON.get(type(event))
            if act is not None and self._end is not None:
                act(self, event)
        self._flush()

    def _broken(self, why: str) -> None:
        for asked in self._streams.values():
            asked.wrong.append(why)
            self._done(asked)
        self._hang_up(reset=True)
        self._again()

    def _interim(self, event: Any) -> None:
        if event.stream_id in self._streams:
            self._streams[event.stream_id].interims += 1

    def _head(self, event: Any) -> None:
        asked = self._streams.get(event.stream_id)
        if asked is not None:
            fields = dict(event.headers)
            status, tag = int(fields[":status"]), fields.get(TAG, "")
            asked.answers.append(
                GotAnswer(status, self._loop.seconds(), fields.get(SERIAL, ""), fields.get(SERVER, ""), tag)
            )

    def _data(self, event: Any) -> None:
        asked = self._streams.get(event.stream_id)
        self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        if asked is not None and asked.answers:
            asked.answers[-1].body += event.data

    def _ended_stream(self, event: Any) -> None:
        asked = self._streams.pop(event.stream_id, None)
        if asked is not None:
            if event.stream_id in self._bodies:
                del self._bodies[event.stream_id]
                with contextlib.suppress(ProtocolError):  # the director may have reset it already
                    self._h2.reset_stream(event.stream_id, ErrorCodes.NO_ERROR)
            self._done(asked)
            self._loop.after(self.plan.pause, self._pause_over, self._end)

    def _pause_over(self, end: End) -> None:
        if self._end is end:
            self._go_on()

    def _reset(self, event: Any) -> None:
        asked = self._streams.pop(event.stream_id, None)
        self._bodies.pop(event.stream_id, None)
        if asked is None:
            return
        if event.error_code == ErrorCodes.REFUSED_STREAM:
            asked.unheard += 1
        elif asked.answers:
            asked.answers[-1].ended = "reset"
            self._done(asked)
        else:
            asked.wrong.append(f"no answer: the stream was reset ({event.error_code!s})")
            self._done(asked)
        self._loop.after(self.plan.pause, self._pause_over, self._end)

    def _goaway(self, event: Any) -> None:
        self._going = True
        for number in [one for one in self._streams if one > (event.last_stream_id or 0)]:
            self._streams.pop(number).unheard += 1
            self._bodies.pop(number, None)
        if not self._streams:
            self._hang_up()
            self._again()

    def _done(self, asked: Asked) -> None:
        asked.over = True
        asked.over_at = self._loop.seconds()

    # -- the end --

    def ended(self) -> None:
        """FIN."""
        self._over("closed")

    def lost(self) -> None:
        """A reset."""
        self._over("reset")

    def writable(self) -> None:
        """Room for octets."""
        self._flush()

    def _over(self, how: str) -> None:
        end = self._end
        if end is None:
            return
        heard = end.peer.answered_for if end.peer is not None else None
        for asked in self._streams.values():
            if asked.answers:
                asked.answers[-1].ended = how
            elif heard == 0:
                asked.unheard += 1
                continue
            else:
                asked.wrong.append(f"no answer: the connection was {how}")
            self._done(asked)
        self._hang_up()
        self._again()

    def _again(self) -> None:
        self._streams.clear()
        if all(asked.over for asked in self.asked):
            self._leave()
        elif not self.over:
            self._loop.after(self.plan.pause, self._call)


_ON: dict[type, Callable[[StreamsClient, Any], None]] = {
    events.InformationalResponseReceived: StreamsClient._interim,  # noqa: SLF001 - their own table
    events.ResponseReceived: StreamsClient._head,  # noqa: SLF001
    events.DataReceived: StreamsClient._data,  # noqa: SLF001
    events.StreamEnded: StreamsClient._ended_stream,  # noqa: SLF001
    events.StreamReset: StreamsClient._reset,  # noqa: SLF001
    events.ConnectionTerminated: StreamsClient._goaway,  # noqa: SLF001
}

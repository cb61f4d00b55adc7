"""HTTP/2 connections without sockets: the client is the library h2, the servers are scripted HTTP/1."""

from __future__ import annotations

from typing import Any

import pytest
from h2 import events as h2events
from h2.config import H2Configuration
from h2.connection import ConnectionState, H2Connection
from h2.errors import ErrorCodes
from h2.settings import SettingCodes, Settings
from hyperframe.frame import DataFrame, GoAwayFrame, HeadersFrame, PingFrame, WindowUpdateFrame

from director.l7.http2 import frames as frames_module
from director.l7.http2 import side as side_module
from director.l7.proxy.commands import (
    CONNECTION,
    Do,
    DropServer,
    Expired,
    Happened,
    HoldServer,
    KeepServer,
    Open,
    ReleaseServer,
    ServerBlocked,
    ServerBytes,
    ServerDrained,
    ServerFailed,
    ServerReady,
    ToClient,
    ToServer,
)
from director.l7.proxy.conversation import LINGER_SECONDS
from director.l7.proxy.multiplexed import Multiplexed
from director.l7.routing.facts import Peer
from director.model.pools import Address, Pool, Server
from tests.support.playbook import World

GET = [(":method", "GET"), (":scheme", "https"), (":authority", "shop.example"), (":path", "/a?b=1")]
POST = [(":method", "POST"), *GET[1:]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: x\r\n\r\nhi"


def pool(**more: Any) -> Pool:
    return Pool("web", (Server("a", Address("10.0.0.1", 80)), Server("b", Address("10.0.0.2", 80))), **more)


class Talk:
    """A client and our side of its connection; `open`, `sent` and `done` are what was ordered for servers."""

    def __init__(self, world: World | None = None, **settings: int) -> None:
        self.world = world or World(pool())
        self.now = 0.0
        self.door = Multiplexed(self.world.handle, Peer("192.0.2.7", 1, "198.51.100.1", 443), self.now)
        self.client = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        self.client.initiate_connection()
        if settings:
            self.client.update_settings({SettingCodes[name]: value for name, value in settings.items()})
        self.events: list[Any] = []
        self.opened: dict[int, str] = {}
        self.sent: dict[int, bytes] = {}
        self.orders: list[Any] = []
        self.perform(self.door.greet())
        self.flush()

    def perform(self, commands: list[Any]) -> None:
        for command in commands:
            if isinstance(command, ToClient):
                self.events += self.client.receive_data(command.data)
            elif isinstance(command, Open):
                self.opened[command.stream] = getattr(command.target, "name", str(command.target))
            elif isinstance(command, ToServer):
                self.sent[command.stream] = self.sent.get(command.stream, b"") + command.data
            else:
                self.orders.append(command)

    def flush(self) -> None:
        """What the client wants to say reaches us."""
        while data := self.client.data_to_send():
            self.perform(self.door.client_bytes(data, self.now))

    def ask(self, fields: list[tuple[str, str]] = GET, body: bytes | None = None, *, end: bool = True) -> int:
        stream = self.client.get_next_available_stream_id()
        self.client.send_headers(stream, fields, end_stream=body is None and end)
        if body is not None:
            self.client.send_data(stream, body, end_stream=end)
        self.flush()
        return stream

    def tell(self, event: Any) -> None:
        self.perform(self.door.receive(event, self.now))

    def ready(self, *streams: int) -> None:
        for stream in streams:
            self.tell(ServerReady(stream, False))

    def served(self, stream: int, data: bytes) -> None:
        self.tell(ServerBytes(stream, data))

    def of(self, kind: Any, stream: int) -> list[Any]:
        return [one for one in self.events if isinstance(one, kind) and one.stream_id == stream]

    def body(self, stream: int) -> bytes:
        return b"".join(one.data for one in self.of(h2events.DataReceived, stream))

    def fields(self, stream: int) -> dict[bytes, bytes]:
        (head,) = self.of(h2events.ResponseReceived, stream)
        return dict(head.headers)

    def ended(self, stream: int) -> bool:
        return bool(self.of(h2events.StreamEnded, stream))

    def ordered(self, kind: Any, stream: int) -> bool:
        return any(isinstance(one, kind) and one.stream == stream for one in self.orders)


def test_a_request_becomes_http_1_and_its_response_frames() -> None:
    talk = Talk()
    stream = talk.ask([*GET, ("cookie", "a=1"), ("cookie", "b=2"), ("x-y", "z")])
    talk.ready(stream)
    text = talk.sent[stream]
    assert text.startswith(b"GET /a?b=1 HTTP/1.1\r\n")
    assert b"\r\nHost: shop.example\r\n" in text
    assert b"\r\ncookie: a=1; b=2\r\n" in text
    assert b"x-y: z\r\n" in text
    talk.served(stream, OK)
    assert talk.fields(stream)[b":status"] == b"200"
    assert (talk.body(stream), talk.ended(stream)) == (b"hi", True)
    assert talk.ordered(KeepServer, stream)
    assert talk.world.leases == 0
    assert talk.world.record()["status"] == 200


def test_many_at_a_time_each_with_its_server() -> None:
    talk = Talk()
    streams = [talk.ask() for _ in range(10)]
    assert list(talk.opened) == streams
    assert talk.world.leases == 10
    talk.ready(*streams)
    for stream in reversed(streams):
        talk.served(stream, OK)
    assert [talk.body(one) for one in streams] == [b"hi"] * 10
    assert talk.world.leases == 0


@pytest.mark.parametrize("length", [True, False])
def test_a_body_goes_on_with_a_length_or_in_chunks(length: bool) -> None:
    talk = Talk()
    fields = [*POST, ("content-length", "5")] if length else POST
    stream = talk.ask(fields, b"hel", end=False)
    talk.ready(stream)
    talk.client.send_data(stream, b"lo", end_stream=True)
    talk.flush()
    text = talk.sent[stream]
    if length:
        assert text.endswith(b"\r\n\r\nhello")
        assert b"content-length: 5\r\n" in text
    else:
        assert b"\r\nTransfer-Encoding: chunked\r\n" in text
        assert text.endswith(b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")


def test_trailers_both_ways() -> None:
    talk = Talk()
    stream = talk.ask(POST, b"x", end=False)
    talk.ready(stream)
    talk.client.send_headers(stream, [("x-sum", "1"), ("host", "evil")], end_stream=True)
    talk.flush()
    assert talk.sent[stream].endswith(b"0\r\nx-sum: 1\r\n\r\n")
    talk.served(
        stream, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx-end: yes\r\n\r\n"
    )
    assert talk.body(stream) == b"hi"
    (trailers,) = talk.of(h2events.TrailersReceived, stream)
    assert list(trailers.headers) == [(b"x-end", b"yes")]
    assert talk.ended(stream)


def test_fields_of_connections_are_left_behind() -> None:
    talk = Talk()
    stream = talk.ask()
    talk.ready(stream)
    talk.served(
        stream,
        b"HTTP/1.1 200 OK\r\nConnection: close, x-a\r\nX-A: 1\r\nKeep-Alive: timeout=5\r\nX-B: 2\r\n\r\nhi",
    )
    fields = talk.fields(stream)
    assert {b"connection", b"keep-alive", b"x-a", b"transfer-encoding"}.isdisjoint(fields)
    assert fields[b"x-b"] == b"2"


def test_interim_responses_pass() -> None:
    talk = Talk()
    stream = talk.ask()
    talk.ready(stream)
    talk.served(stream, b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK)
    (hint,) = talk.of(h2events.InformationalResponseReceived, stream)
    assert dict(hint.headers)[b":status"] == b"103"
    assert talk.ended(stream)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ([(":method", "CONNECT"), (":authority", "h:1")], b"501"),
        ([*GET[:3], (":path", "/a b")], b"400"),
        ([*GET[:3], (":path", "a")], b"400"),
        ([*GET[:2], (":authority", "a b"), (":path", "/")], b"400"),
        ([*GET[:3], (":path", "/../../x")], b"400"),
        ([*GET[:3], (":path", "/" + "x" * 20000)], b"414"),
    ],
)
def test_what_http_1_would_refuse_is_refused(fields: list[tuple[str, str]], status: bytes) -> None:
    talk = Talk()
    talk.client.config.validate_outbound_headers = False
    talk.client.config.normalize_outbound_headers = False
    stream = talk.ask(fields)
    assert talk.fields(stream)[b":status"] == status
    assert talk.opened == {}
    assert not talk.door.closing


@pytest.mark.parametrize(
    "field",
    [
        ("transfer-encoding", "chunked"),
        ("connection", "x"),
        ("Upper", "1"),
        ("x", "a\r\nEvil: 1"),
        ("x", "a\0"),
        ("te", "gzip"),
        ("host", "other.example"),
    ],
)
def test_fields_that_http_2_forbids_never_reach_a_server(field: tuple[str, str]) -> None:
    talk = Talk()
    talk.client.config.validate_outbound_headers = False
    talk.client.config.normalize_outbound_headers = False
    stream = talk.client.get_next_available_stream_id()
    talk.client.send_headers(stream, [*GET, field], end_stream=True)
    talk.flush()
    assert talk.opened == {}


def test_a_client_that_reads_slowly_holds_only_its_own_server() -> None:
    talk = Talk(INITIAL_WINDOW_SIZE=1000)
    slow, quick = talk.ask(), talk.ask()
    talk.ready(slow, quick)
    big = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"x" * 200000
    talk.served(slow, big)
    assert len(talk.body(slow)) == 1000
    assert talk.ordered(HoldServer, slow)
    talk.served(quick, OK)
    assert talk.ended(quick)
    talk.served(slow, b"y" * 100000)
    while not talk.ended(slow):
        talk.client.increment_flow_control_window(50000, slow)
        talk.client.increment_flow_control_window(50000)
        talk.flush()
    assert len(talk.body(slow)) == 300000
    assert talk.world.leases == 0


def test_a_held_server_goes_on() -> None:
    talk = Talk(INITIAL_WINDOW_SIZE=1000)
    stream = talk.ask()
    talk.ready(stream)
    talk.served(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n" + b"x" * 200000)
    assert not talk.ordered(ReleaseServer, stream)
    talk.client.increment_flow_control_window(400000, stream)
    talk.client.increment_flow_control_window(400000)
    talk.flush()
    assert talk.ordered(ReleaseServer, stream)


def test_an_answer_that_a_slow_client_still_takes_is_no_idle_connection() -> None:
    """Its server is done, and `timeout.keepalive` begins when the client has it all."""
    talk = Talk(INITIAL_WINDOW_SIZE=1000)
    stream = talk.ask()
    talk.ready(stream)
    talk.served(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n" + b"x" * 3000)
    assert talk.world.leases == 0
    times = talk.world.handle.current.timeouts
    for taken in (1000, 2000):
        talk.now = talk.door.deadline
        assert talk.door.due(talk.now) == (CONNECTION,)
        talk.tell(Expired(CONNECTION))
        assert not talk.door.closing
        assert len(talk.body(stream)) == taken
        talk.client.increment_flow_control_window(1000, stream)
        talk.flush()
    assert talk.ended(stream)
    assert talk.door.deadline == talk.now + times.client
    talk.now = talk.door.deadline
    talk.tell(Expired(CONNECTION))
    assert talk.door.closing


def test_a_client_that_takes_nothing_of_an_answer_is_left() -> None:
    talk = Talk(INITIAL_WINDOW_SIZE=1000)
    stream = talk.ask()
    talk.ready(stream)
    talk.served(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n" + b"x" * 3000)
    for closing in (False, True):
        talk.now = talk.door.deadline
        talk.tell(Expired(CONNECTION))
        assert talk.door.closing is closing


def test_a_server_that_does_not_take_more_shuts_the_window_of_its_stream() -> None:
    talk = Talk()
    stream = talk.ask(POST, b"", end=False)
    talk.ready(stream)
    talk.tell(ServerBlocked(stream))
    sent = 0
    while (window := talk.client.local_flow_control_window(stream)) > 0:
        talk.client.send_data(stream, b"x" * min(window, 16384))
        sent += min(window, 16384)
        talk.flush()
    assert sent == frames_module.STREAM_WINDOW
    talk.tell(ServerDrained(stream))
    assert talk.client.local_flow_control_window(stream) > 0


def test_a_client_that_takes_a_request_back_frees_its_server() -> None:
    talk = Talk()
    stream = talk.ask()
    talk.ready(stream)
    talk.client.reset_stream(stream, ErrorCodes.CANCEL)
    talk.flush()
    assert talk.ordered(DropServer, stream)
    assert talk.world.leases == 0
    assert talk.world.record()["outcome"] == "client_gone"


def test_a_server_that_breaks_off_resets_the_stream_and_nothing_else() -> None:
    talk = Talk()
    first, second = talk.ask(), talk.ask()
    talk.ready(first, second)
    talk.served(first, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhal")
    talk.tell(ServerFailed(first, "connection reset"))
    (reset,) = talk.of(h2events.StreamReset, first)
    assert reset.error_code == ErrorCodes.INTERNAL_ERROR
    talk.served(second, OK)
    assert talk.ended(second)


def test_a_failed_connect_tries_the_next_server() -> None:
    talk = Talk()
    stream = talk.ask()
    first = talk.opened[stream]
    talk.tell(ServerFailed(stream, "connection refused"))
    assert talk.opened[stream] != first
    talk.ready(stream)
    talk.served(stream, OK)
    assert talk.ended(stream)


def test_each_stream_has_its_deadline() -> None:
    talk = Talk(World(pool(timeouts=World(pool()).service.registry.pools["web"].config.timeouts)))
    stream = talk.ask()
    talk.ready(stream)
    due = talk.door.deadline
    assert talk.door.due(due - 0.001) == ()
    assert talk.door.due(due) == (stream,)
    talk.now = due
    talk.tell(Expired(stream))
    assert talk.fields(stream)[b":status"] == b"504"
    assert talk.world.leases == 0


def test_rapid_resets_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """CVE-2023-44487."""
    talk = Talk()
    for _ in range(side_module.RESETS + 5):
        if talk.door.closing:
            break
        stream = talk.client.get_next_available_stream_id()
        talk.client.send_headers(stream, GET, end_stream=True)
        talk.client.reset_stream(stream, ErrorCodes.CANCEL)
        talk.perform(talk.door.client_bytes(talk.client.data_to_send(), 0.0))
    assert talk.door.closing
    (end,) = [one for one in talk.events if isinstance(one, h2events.ConnectionTerminated)]
    assert end.error_code == ErrorCodes.ENHANCE_YOUR_CALM
    assert talk.world.leases == 0


def test_floods_of_pings_are_left_and_slow_ones_are_not() -> None:
    ping = PingFrame(0, opaque_data=b"12345678").serialize()
    calm, flood = Talk(), Talk()
    for second in range(0, 100, 5):
        calm.perform(calm.door.client_bytes(ping * 60, float(second)))
    assert not calm.door.closing
    flood.perform(flood.door.client_bytes(ping * (side_module.CONTROL_FRAMES + 1), 0.0))
    assert flood.door.closing


@pytest.mark.parametrize(
    "octets",
    [
        b"\x00\x00\x08\x06\x00\x00\x00\x00\x01" + b"x" * 8,
        b"\x00\x00\x00\x00\x01\x00\x00\x00\x05",
        b"\xff" * 60,
    ],
)
def test_what_breaks_the_protocol_ends_the_connection(octets: bytes) -> None:
    talk = Talk()
    stream = talk.ask()
    talk.ready(stream)
    commands = talk.door.client_bytes(octets, 0.0)
    assert talk.door.closing
    assert Do.LINGER_CLIENT in commands
    assert talk.world.leases == 0


@pytest.mark.parametrize("leaves", [True, False])
def test_who_broke_the_protocol_does_not_keep_its_place(leaves: bool) -> None:
    """Its end ends the connection; without one, it may go on for as long as a refused client of HTTP/1."""
    talk = Talk()
    talk.door.client_bytes(b"\xff" * 60, 0.0)
    assert talk.door.closing
    if leaves:
        commands = talk.door.receive(Happened.CLIENT_ENDED, 0.1)
    else:
        assert talk.door.due(LINGER_SECONDS - 0.1) == ()
        assert talk.door.due(LINGER_SECONDS) == (CONNECTION,)
        commands = talk.door.receive(Expired(CONNECTION), LINGER_SECONDS)
    assert Do.CLOSE_CLIENT in commands


def test_a_drain_lets_open_streams_end_and_refuses_new_ones() -> None:
    talk = Talk()
    stream = talk.ask()
    talk.ready(stream)
    talk.tell(Happened.DRAIN)
    (end,) = [one for one in talk.events if isinstance(one, h2events.ConnectionTerminated)]
    assert (end.error_code, end.last_stream_id) == (ErrorCodes.NO_ERROR, stream)
    talk.client.state_machine.state = ConnectionState.CLIENT_OPEN  # h2 takes it for the end of everything
    talk.served(stream, OK)
    assert Do.CLOSE_CLIENT in talk.orders
    assert talk.world.record()["status"] == 200


def test_a_client_that_says_goodbye_still_gets_its_answers() -> None:
    """RFC 9113 6.8."""
    talk = Talk()
    stream = talk.ask()
    talk.ready(stream)
    talk.perform(talk.door.client_bytes(GoAwayFrame(0, last_stream_id=0).serialize(), 0.0))
    talk.served(stream, OK)
    assert talk.ended(stream)
    assert Do.CLOSE_CLIENT in talk.orders


def test_an_idle_connection_is_let_go() -> None:
    talk = Talk()
    talk.now = talk.door.deadline
    talk.tell(Expired(0))
    assert Do.CLOSE_CLIENT in talk.orders


def test_a_body_goes_on_when_its_server_was_late() -> None:
    """More than is kept came before the connection was there: the window is shut, and opened again."""
    talk = Talk()
    stream = talk.ask(POST, b"", end=False)
    for _ in range(99):
        talk.client.send_data(stream, b"x" * min(16384, talk.client.local_flow_control_window(stream)))
        talk.flush()
        if not talk.client.local_flow_control_window(stream):
            break
    assert talk.client.local_flow_control_window(stream) == 0
    talk.ready(stream)
    assert talk.client.local_flow_control_window(stream) > 0


def test_a_body_goes_on_when_a_server_failed_that_took_nothing() -> None:
    """What was said of the first server's connection does not hold for the second."""
    talk = Talk()
    stream = talk.ask([(":method", "PUT"), *GET[1:]], b"x" * 9, end=False)
    talk.ready(stream)
    talk.tell(ServerBlocked(stream))
    talk.client.send_data(stream, b"x" * 16384)
    talk.flush()
    talk.tell(ServerFailed(stream, "connection reset"))
    talk.ready(stream)
    before = talk.client.local_flow_control_window(stream)
    for _ in range(3):
        talk.client.send_data(stream, b"x" * 16000)
        talk.flush()
    assert talk.client.local_flow_control_window(stream) > before - 48000


def test_a_stream_too_many_is_refused_alone() -> None:
    """RFC 9113 5.1.2 and 8.7: it may be asked for again."""
    talk = Talk()
    streams = [talk.ask() for _ in range(frames_module.STREAMS)]
    talk.client.remote_settings = Settings(
        client=False, initial_values={SettingCodes.MAX_CONCURRENT_STREAMS: 1000}
    )
    late = talk.ask()
    (reset,) = talk.of(h2events.StreamReset, late)
    assert reset.error_code == ErrorCodes.REFUSED_STREAM
    talk.ready(*streams)
    talk.served(streams[-1], OK)
    assert talk.ended(streams[-1])


def test_servers_are_told_the_version_that_the_client_spoke() -> None:
    """RFC 9110 7.6.3."""
    talk = Talk()
    stream = talk.ask()
    talk.ready(stream)
    assert b"\r\nVia: 2 " in talk.sent[stream]


@pytest.mark.parametrize(
    "frame", [WindowUpdateFrame(0, window_increment=1).serialize(), b"\0\0\1\x4d\0\0\0\0\0x"]
)
def test_frames_that_mean_no_work_for_the_client_end_in_calm(frame: bytes) -> None:
    """CVE-2019-9513 and its kin."""
    talk = Talk()
    talk.perform(talk.door.client_bytes(frame * (side_module.CONTROL_FRAMES + 1), 0.0))
    (goodbye,) = [one for one in talk.events if isinstance(one, h2events.ConnectionTerminated)]
    assert goodbye.error_code == ErrorCodes.ENHANCE_YOUR_CALM


def test_a_lost_client_gives_everything_back() -> None:
    talk = Talk()
    talk.ready(*[talk.ask() for _ in range(3)])
    talk.tell(Happened.CLIENT_GONE)
    assert talk.world.leases == 0
    assert talk.door.exchanges == {}


def test_a_defect_gives_everything_back() -> None:
    talk = Talk()
    talk.ask()
    assert Do.ABORT_CLIENT in talk.door.fail()
    assert talk.world.leases == 0


def test_a_websocket() -> None:
    """RFC 8441 5."""
    talk = Talk()
    stream = talk.client.get_next_available_stream_id()
    talk.client.send_headers(
        stream,
        [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":authority", "h"),
         (":path", "/chat"), ("sec-websocket-version", "13")],
    )  # fmt: skip
    talk.flush()
    talk.ready(stream)
    text = talk.sent[stream].lower()
    assert text.startswith(b"get /chat http/1.1\r\n")
    assert b"\r\nupgrade: websocket\r\n" in text
    assert b"\r\nsec-websocket-key: " in text
    talk.served(
        stream,
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Accept: x\r\n\r\nfrom",
    )
    fields = talk.fields(stream)
    assert fields[b":status"] == b"200"
    assert b"sec-websocket-accept" not in fields
    talk.client.send_data(stream, b"to")
    talk.flush()
    assert talk.sent[stream].endswith(b"to")
    assert talk.body(stream) == b"from"


def headers_of(talk: Talk, stream: int, fields: list[tuple[str, str]], *flags: str) -> bytes:
    """A frame that the library would not send."""
    frame = HeadersFrame(stream, talk.client.encoder.encode(fields))
    for flag in ("END_HEADERS", *flags):
        frame.flags.add(flag)
    return frame.serialize()


def test_a_malformed_request_costs_its_stream_alone() -> None:
    """RFC 9113 8.1.1; those before and behind it in the same octets are served."""
    talk = Talk()
    octets = headers_of(talk, 1, [*GET, ("Upper", "x")], "END_STREAM") + headers_of(
        talk, 3, GET, "END_STREAM"
    )
    talk.client.streams.clear()
    commands = talk.door.client_bytes(octets, 0.0)
    assert [one.stream for one in commands if isinstance(one, Open)] == [3]
    assert talk.world.record()["outcome"].startswith("refused: ")  # type: ignore[attr-defined]
    assert not talk.door.closing


def test_many_malformed_requests_are_a_flood() -> None:
    talk = Talk()
    octets = b"".join(
        headers_of(talk, 1 + 2 * number, [*GET, ("Upper", "x")], "END_STREAM")
        for number in range(side_module.RESETS + 2)
    )
    commands = talk.door.client_bytes(octets, 0.0)
    assert b"taken back" in b"".join(one.data for one in commands if isinstance(one, ToClient))
    assert talk.door.closing


@pytest.mark.parametrize("trailers", [True, False])
def test_a_short_body_is_not_ended_by_the_next_request(trailers: bool) -> None:
    """Its server waits for two octets more, and they must be nobody's: the connection goes."""
    talk = Talk()
    talk.client.config.validate_outbound_headers = False
    stream = talk.ask([*POST, ("content-length", "5")], b"abc", end=False)
    talk.ready(stream)
    frame = headers_of(talk, stream, [("a", "b")], "END_STREAM")
    if not trailers:
        last = DataFrame(stream)
        last.flags.add("END_STREAM")
        frame = last.serialize()
    talk.perform(talk.door.client_bytes(frame, 0.0))
    assert talk.ordered(DropServer, stream)
    assert not talk.ordered(KeepServer, stream)
    assert talk.world.leases == 0


def test_what_follows_a_goodbye_in_the_same_octets_is_served() -> None:
    talk = Talk()
    stream = talk.ask(POST, b"x", end=False)
    talk.ready(stream)
    last = DataFrame(stream, b"y")
    last.flags.add("END_STREAM")
    octets = GoAwayFrame(0, last_stream_id=0).serialize() + last.serialize()
    talk.perform(talk.door.client_bytes(octets, 0.0))
    assert talk.sent[stream].endswith(b"1\r\ny\r\n0\r\n\r\n")
    talk.served(stream, OK)
    assert talk.body(stream) == b"hi"

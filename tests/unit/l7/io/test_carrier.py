"""Connections that carry many, without sockets: the server is the library h2, or writes frames by hand."""

from __future__ import annotations

from typing import Any

import pytest
from h2 import events as h2events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.settings import SettingCodes
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from director.l7.http2.upstream import STREAM_WINDOW
from director.l7.io.carried import DEAF_SECONDS, CarriedStream
from director.l7.io.carrier import IDLE_SECONDS, LINGER_SECONDS
from director.l7.io.carriers import Carriers
from director.l7.proxy.commands import Loss
from director.model.pools import Address

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n"
OK = [(b":status", b"200")]
HERE = Address("127.0.0.1", 1)


class Wire:
    """A stream whose other end is a server in memory."""

    protocol = b"h2"

    def __init__(self) -> None:
        self.octets = b""
        self.gone = b"x"[:0]
        self.closed = False

    def write(self, data: bytes) -> None:
        self.octets += data

    def waiting(self) -> bytes | None:
        return b"" if self.closed else None


class FakeSide:
    """In the place of a `ServerSide`."""

    host = None

    def __init__(self, caller: Any) -> None:
        self.caller = caller
        self.stream: Any = Wire()


class Client:
    """Who asks; what it heard."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.data = b""
        self.loss: Loss | None = None

    def __getattr__(self, name: str) -> Any:
        return lambda: self.told.append(name.removeprefix("server_"))

    def server_received(self, data: bytes) -> None:
        self.data += data

    def server_lost(self, reason: str, loss: Loss = Loss.UNKNOWN) -> None:
        self.told.append(f"lost {reason}")
        self.loss = loss


class Bed:
    """Carriers, and the servers at the other ends of their connections."""

    def __init__(self, *, header: bytes = b"", **settings: int) -> None:
        self.time = 100.0
        self.reactor = self
        self.reused = 0
        self.sides: list[FakeSide] = []
        self.dropped: list[FakeSide] = []
        self.turn: list[Any] = []
        self.settings = {SettingCodes[name]: value for name, value in settings.items()}
        self.servers: list[H2Connection] = []
        self.events: list[Any] = []
        backends: Any = self
        self.carriers = Carriers(backends)
        self.manner: Any = type("Manner", (), {"header": header, "secure": False})()

    # -- what carriers ask of backends and reactor --

    def seconds(self) -> float:
        return self.time

    def callLater(self, seconds: float, act: Any, *arguments: Any) -> None:  # noqa: N802 - IReactorTime
        assert seconds == 0
        self.turn.append((act, arguments))

    def connect(self, address: Address, caller: Any, manner: Any) -> Any:
        side = FakeSide(caller)
        self.sides.append(side)
        server = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        server.initiate_connection()
        if self.settings:
            server.update_settings(self.settings)  # type: ignore[arg-type]
        self.servers.append(server)
        return side

    def drop(self, side: FakeSide, now: float) -> None:
        self.dropped.append(side)

    # -- what tests do --

    def ask(
        self, text: bytes = GET, *, careful: bool = False, fresh: bool = False
    ) -> tuple[Client, CarriedStream]:
        """A request; new connections are made at once."""
        client: Any = Client()
        stream, there = self.carriers.stream("a:1", HERE, client, self.manner, fresh=fresh, careful=careful)
        if not there:
            self.sides[-1].caller.server_connected()
            assert client.told == ["connected"]
        if text:
            stream.write(text)
        self.flush()
        return client, stream

    def flush(self, number: int = -1) -> None:
        """What both ends have to say reaches the other."""
        side, server = self.sides[number], self.servers[number]
        while True:
            side.caller.flush()
            octets, side.stream.octets = side.stream.octets, b""
            self.events += server.receive_data(octets)
            back = server.data_to_send()
            if back:
                side.caller.server_received(back)
            if not (back or side.stream.octets):
                return

    def say(self, octets: bytes, number: int = -1) -> None:
        """Frames that the library would not send."""
        self.sides[number].caller.server_received(octets)

    def turns(self) -> None:
        """The loop turns."""
        while self.turn:
            act, arguments = self.turn.pop(0)
            act(*arguments)

    def answer(self, stream: CarriedStream, body: bytes = b"", trailers: Any = (), number: int = -1) -> None:
        server = self.servers[number]
        server.send_headers(stream.number, OK)
        if body:
            server.send_data(stream.number, body)
        if trailers:
            server.send_headers(stream.number, trailers, end_stream=True)
        else:
            server.end_stream(stream.number)
        self.flush(number)


def test_many_on_one_connection() -> None:
    bed = Bed()
    asked = [bed.ask() for _ in range(10)]
    assert (len(bed.sides), bed.reused) == (1, 9)
    for client, stream in reversed(asked):
        bed.answer(stream, b"x%d" % stream.number, ((b"grpc-status", b"0"),))
        assert b"x%d\r\n0\r\ngrpc-status: 0\r\n\r\n" % stream.number in client.data
        stream.spent(bed.time)
    assert bed.carriers.idle_count() == 1
    bed.carriers.sweep(bed.time + IDLE_SECONDS, lambda _key: False)
    assert not bed.dropped
    bed.carriers.sweep(bed.time + IDLE_SECONDS + 1, lambda _key: False)
    bed.flush()
    assert bed.dropped == bed.sides
    assert isinstance(bed.events[-1], h2events.ConnectionTerminated)


def test_a_goodbye_sends_the_unseen_elsewhere_and_lets_the_seen_end() -> None:
    """RFC 9113 6.8."""
    bed = Bed()
    (seen, first), (unseen, _) = bed.ask(), bed.ask()
    bed.say(GoAwayFrame(0, last_stream_id=first.number).serialize())
    assert (unseen.loss, seen.told) == (Loss.UNPROCESSED, ["connected"])
    bed.ask()
    assert len(bed.sides) == 2
    bed.answer(first, b"hi", number=0)
    assert b"hi" in seen.data
    first.spent(bed.time)
    assert bed.dropped == bed.sides[:1]


def test_who_was_told_of_a_connection_that_leaves_hears_of_it_later() -> None:
    """A request is written from inside its owner's call, where nothing may come back."""
    bed = Bed()
    bed.ask()
    client, stream = bed.ask(b"")
    bed.say(GoAwayFrame(0, last_stream_id=1).serialize())
    stream.write(GET)
    assert client.told == []
    bed.turns()
    assert client.loss is Loss.UNPROCESSED


@pytest.mark.parametrize(
    ("code", "loss"),
    [(ErrorCodes.REFUSED_STREAM, Loss.UNPROCESSED), (ErrorCodes.INTERNAL_ERROR, Loss.UNKNOWN)],
)
def test_a_reset_is_one_stream_s(code: ErrorCodes, loss: Loss) -> None:
    bed = Bed()
    (client, stream), (other, second) = bed.ask(), bed.ask()
    bed.say(RstStreamFrame(stream.number, int(code)).serialize())
    assert (client.loss, other.loss) == (loss, None)
    assert code.name in client.told[-1]
    bed.answer(second, b"hi")
    assert b"hi" in other.data


def test_a_refusal_behind_a_begun_response_is_no_refusal() -> None:
    bed = Bed()
    client, stream = bed.ask()
    bed.servers[0].send_headers(stream.number, OK)
    bed.flush()
    bed.say(RstStreamFrame(stream.number, int(ErrorCodes.REFUSED_STREAM)).serialize())
    assert client.loss is Loss.UNKNOWN


def test_a_lost_connection_costs_all_that_is_on_it() -> None:
    bed = Bed()
    clients = [bed.ask()[0] for _ in range(3)]
    bed.sides[0].caller.server_lost("connection reset")
    assert [one.loss for one in clients] == [Loss.UNKNOWN] * 3
    bed.ask()
    assert len(bed.sides) == 2


def test_a_server_inside_tls_must_choose_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("director.l7.io.carrier.TLSStream", Wire)
    monkeypatch.setattr(Wire, "protocol", b"http/1.1")
    bed = Bed()
    client: Any = Client()
    bed.carriers.stream("a:1", HERE, client, bed.manner, fresh=False, careful=False)
    bed.sides[0].caller.server_connected()
    assert "write protocol = http/1.1" in client.told[-1]
    assert bed.dropped == bed.sides


def test_a_server_of_http_1_is_told_apart() -> None:
    bed = Bed()
    client, _ = bed.ask()
    bed.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert "speaks HTTP/1" in client.told[-1]


def test_a_hole_is_given_no_more_requests() -> None:
    """Nothing was heard since the request went out a while ago: others go another way."""
    bed = Bed()
    _, stream = bed.ask()
    bed.time += 1
    bed.ask()
    bed.time += DEAF_SECONDS / 2
    stream.close()
    bed.ask()
    assert len(bed.sides) == 1
    _, stream = bed.ask()
    bed.time += DEAF_SECONDS + 1
    stream.close()
    bed.ask()
    assert len(bed.sides) == 2


def test_a_response_that_lacks_its_last_frame_lingers_but_not_for_ever() -> None:
    bed = Bed()
    client, stream = bed.ask()
    server = bed.servers[0]
    server.send_headers(stream.number, [*OK, (b"content-length", b"2")])
    server.send_data(stream.number, b"hi")
    bed.flush()
    assert client.data.endswith(b"\r\n\r\nhi")
    stream.spent(bed.time)
    server.end_stream(stream.number)
    bed.flush()
    assert not any(isinstance(one, h2events.StreamReset) for one in bed.events)
    client, stream = bed.ask()
    server.send_headers(stream.number, [*OK, (b"content-length", b"2")])
    server.send_data(stream.number, b"hi")
    bed.flush()
    stream.spent(bed.time)
    bed.carriers.sweep(bed.time + LINGER_SECONDS + 1, lambda _key: False)
    bed.flush()
    assert any(isinstance(one, h2events.StreamReset) for one in bed.events)


# --- hostile servers -------------------------------------------------------------------------------


def head_of(bed: Bed, stream: int, fields: list[tuple[str, str]], *flags: str) -> bytes:
    frame = HeadersFrame(stream, bed.servers[0].encoder.encode(fields))
    for flag in ("END_HEADERS", *flags):
        frame.flags.add(flag)
    return frame.serialize()


@pytest.mark.parametrize(
    "frame",
    [
        PingFrame(0, b"12345678").serialize(),
        SettingsFrame(0, settings={4: 65535}).serialize(),
        DataFrame(1, b"").serialize(),
        WindowUpdateFrame(0, window_increment=1).serialize(),
        GoAwayFrame(0, last_stream_id=1 << 30).serialize(),
    ],
    ids=["ping", "settings", "empty data", "window", "goaway"],
)
def test_a_flood_ends_in_calm(frame: bytes) -> None:
    bed = Bed()
    client, stream = bed.ask()
    bed.servers[0].send_headers(stream.number, OK)
    bed.flush()
    for _ in range(30):
        bed.say(frame * 100)
    assert client.loss is Loss.UNKNOWN
    assert "in 10 s" in client.told[-1]
    assert bed.sides[0].stream.octets.count(b"in 10 s") == 1


@pytest.mark.parametrize(
    "octets",
    [
        b"\0\x40\x01\0\0\0\0\0\1",
        PushPromiseFrame(1, 2, data=b"\x88", flags=["END_HEADERS"]).serialize(),
        HeadersFrame(1, b"\x88").serialize() + ContinuationFrame(1, b"").serialize() * 100,
        HeadersFrame(1, b"\xff" * 9, flags=["END_HEADERS"]).serialize(),
        DataFrame(1, b"x").serialize(),
        HeadersFrame(2, b"\x88", flags=["END_HEADERS"]).serialize(),
        WindowUpdateFrame(0, window_increment=(1 << 31) - 1).serialize(),
        SettingsFrame(0, settings={5: 1}).serialize(),
    ],
    ids=["long frame", "push", "continuations", "hpack", "data first", "own stream", "window", "frame size"],
)
def test_what_breaks_the_connection_breaks_it(octets: bytes) -> None:
    """RFC 9113 4.2, 6.6, 6.10 (CVE-2024-27316), 4.3, 8.1, 5.1.1, 6.9.1, 6.5.2."""
    bed = Bed()
    client, _ = bed.ask()
    bed.say(octets)
    assert client.told[-1].startswith("lost ")
    assert bed.dropped == bed.sides


@pytest.mark.parametrize(
    ("fields", "flags"),
    [
        ([(":status", "200"), ("Upper", "x")], ()),
        ([(":status", "200"), ("connection", "close")], ()),
        ([(":status", "101")], ()),
        ([("a", "b")], ()),
        ([(":status", "200"), ("content-length", "5")], ("END_STREAM",)),
        ([(":status", "200"), ("content-length", "x")], ()),
    ],
)
def test_a_malformed_response_costs_itself(fields: list[tuple[str, str]], flags: tuple[str, ...]) -> None:
    bed = Bed()
    (client, stream), (other, second) = bed.ask(), bed.ask()
    bed.say(head_of(bed, stream.number, fields, *flags))
    assert client.loss is Loss.JUNK
    assert (other.loss, bed.dropped) == (None, [])
    bed.say(head_of(bed, second.number, [(":status", "200")], "END_STREAM"))
    assert other.data.startswith(b"HTTP/1.1 200 ")


def test_a_shut_window_holds_its_client_back_and_nobody_else() -> None:
    bed = Bed(INITIAL_WINDOW_SIZE=0)
    client, stream = bed.ask(POST % 1_000_000)
    for _ in range(10):
        stream.write(b"x" * 20_000)
    assert client.told == ["connected", "blocked"]
    assert (stream.is_blocked, stream.progress) == (True, 0)
    quick, other = bed.ask()
    bed.answer(other, b"hi")
    assert b"hi" in quick.data
    bed.servers[0].increment_flow_control_window(500_000, stream.number)
    bed.servers[0].increment_flow_control_window(500_000)
    bed.flush()
    assert client.told[-1] == "drained"
    assert stream.progress == 200_000


def test_a_server_that_reads_nothing_is_not_written_to_without_end() -> None:
    """Its windows may be as large as it likes: what the socket does not take waits in bounds."""
    bed = Bed(INITIAL_WINDOW_SIZE=(1 << 31) - 1)
    client, stream = bed.ask(POST % 100_000_000)
    bed.servers[0].increment_flow_control_window((1 << 31) - 1 - 65535)
    bed.flush()
    bed.sides[0].caller.server_blocked()
    before = len(bed.sides[0].stream.octets)
    for _ in range(20):
        stream.write(b"x" * 20_000)
    assert client.told[-1] == "blocked"
    bed.turns()
    assert len(bed.sides[0].stream.octets) == before
    bed.sides[0].caller.server_drained()
    assert client.told[-1] == "drained"


def test_who_does_not_read_holds_a_window_and_others_go_on() -> None:
    bed = Bed()
    (slow, first), (quick, second) = bed.ask(), bed.ask()
    server = bed.servers[0]
    for stream in (first, second):
        server.send_headers(stream.number, OK)
    bed.flush()
    first.pause()
    sent = 0
    while (room := server.local_flow_control_window(first.number)) > 0:
        server.send_data(first.number, b"x" * min(room, 16384))
        sent += min(room, 16384)
        bed.flush()
    assert sent == STREAM_WINDOW
    assert b"xx" not in slow.data
    for _ in range(2 * STREAM_WINDOW // 16384):
        server.send_data(second.number, b"y" * 16384)
        bed.flush()
    assert quick.data.count(b"y") == 2 * STREAM_WINDOW
    server.end_stream(first.number)
    bed.flush()
    first.resume()
    bed.turns()
    assert slow.data.count(b"x") == STREAM_WINDOW
    assert slow.data.endswith(b"0\r\n\r\n")


def test_what_a_turn_makes_is_one_write() -> None:
    bed = Bed()
    bed.ask()
    writes: list[bytes] = []
    bed.sides[0].stream.write = writes.append
    for _ in range(10):
        client: Any = Client()
        stream, there = bed.carriers.stream("a:1", HERE, client, bed.manner, fresh=False, careful=False)
        assert there
        stream.write(POST % 3 + b"abc")
    assert writes == []
    bed.turns()
    assert len(writes) == 1

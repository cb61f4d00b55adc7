"""One request on a connection that carries many: order, pauses and ends, seen by its owner."""

from __future__ import annotations

from h2 import events as h2events

from director.l7.proxy.commands import Loss
from tests.unit.l7.io.test_carrier import OK, POST, Bed

SOCKET = (
    b"GET /chat HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def test_a_body_comes_in_pieces_and_ends_once() -> None:
    bed = Bed()
    _, stream = bed.ask(POST % 10 + b"hel")
    stream.write(b"lo")
    stream.write(b"world")
    bed.flush()
    assert b"".join(one.data for one in bed.events if isinstance(one, h2events.DataReceived)) == b"helloworld"
    assert sum(isinstance(one, h2events.StreamEnded) for one in bed.events) == 1
    assert stream.progress == 10


def test_what_came_in_a_pause_comes_behind_it_in_order_and_later() -> None:
    bed = Bed()
    client, stream = bed.ask()
    bed.servers[0].send_headers(stream.number, OK)
    bed.flush()
    stream.pause()
    begun = client.data
    bed.servers[0].send_data(stream.number, b"one")
    bed.servers[0].send_data(stream.number, b"two")
    bed.servers[0].send_headers(stream.number, [(b"a", b"b")], end_stream=True)
    bed.flush()
    stream.resume()
    assert client.data == begun
    bed.turns()
    assert client.data == begun + b"3\r\none\r\n3\r\ntwo\r\n0\r\na: b\r\n\r\n"


def test_a_loss_behind_a_pause_comes_behind_what_came_before_it() -> None:
    bed = Bed()
    client, stream = bed.ask()
    bed.servers[0].send_headers(stream.number, OK)
    bed.servers[0].send_data(stream.number, b"half")
    stream.pause()
    bed.flush()
    bed.sides[0].caller.server_lost("connection reset")
    assert client.told == ["connected"]
    stream.resume()
    bed.turns()
    assert b"half" in client.data
    assert (client.told[-1], client.loss) == ("lost connection reset", Loss.UNKNOWN)


def test_who_leaves_early_breaks_its_stream_off() -> None:
    bed = Bed()
    client, stream = bed.ask(POST % 10)
    stream.close()
    bed.flush()
    (reset,) = [one for one in bed.events if isinstance(one, h2events.StreamReset)]
    assert (reset.stream_id, bed.dropped) == (stream.number, [])
    bed.answer(bed.ask()[1], b"hi")
    assert client.data == b""


def test_a_response_before_the_whole_request_leaves_no_stream_open() -> None:
    """RFC 9113 8.1: the rest of the request is not sent, and the server hears so."""
    bed = Bed()
    _, stream = bed.ask(POST % 10 + b"hel")
    bed.answer(stream, b"no")
    stream.close()
    bed.flush()
    assert any(isinstance(one, h2events.StreamReset) for one in bed.events)
    assert bed.carriers.idle_count() == 1


def test_a_websocket_runs_both_ways_and_ends_half_by_half() -> None:
    bed = Bed(ENABLE_CONNECT_PROTOCOL=1)
    bed.ask()
    client, stream = bed.ask(SOCKET)
    asked = next(
        one for one in bed.events if isinstance(one, h2events.RequestReceived) and one.stream_id == 3
    )
    assert (b":protocol", b"websocket") in asked.headers
    bed.servers[0].send_headers(stream.number, OK)
    bed.servers[0].send_data(stream.number, b"ping")
    bed.flush()
    assert client.data.startswith(b"HTTP/1.1 101 ")
    assert client.data.endswith(b"\r\n\r\nping")
    stream.write(b"pong")
    stream.end()
    bed.flush()
    assert any(one.data == b"pong" for one in bed.events if isinstance(one, h2events.DataReceived))
    bed.servers[0].end_stream(stream.number)
    bed.flush()
    assert client.told[-1] == "ended"

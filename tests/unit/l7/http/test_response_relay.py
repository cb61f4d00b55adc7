from __future__ import annotations

import pytest

from director.errors import MessageError
from director.l7.http.response_relay import ResponseRelay
from tests.support.heads import request
from tests.support.oracles import Reading, h11_response

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
CLOSE = b"HTTP/1.1 200 OK\r\n\r\nabc"


def relayed(relay: ResponseRelay, pieces: list[bytes], *, keep: bool = True, ended: bool = False) -> bytes:
    """All octets for the client."""
    out = b""
    for piece in pieces:
        if relay.final is not None:
            out += relay.body(piece)
            continue
        relay.feed(piece)
        while (head := relay.head()) is not None:
            if head.status < 200:
                out += relay.interim_head(head)
                continue
            out += relay.begin(head, keep=keep, added=b"", no_store=False)
            break
    if ended:
        out += relay.end() or b""
    return out


def read(raw: bytes, method: bytes = b"GET", *, ended: bool = False) -> Reading:
    found = h11_response(raw, method, ended=ended)
    assert found is not None
    return found


@pytest.mark.parametrize("raw", [CHUNKED, LENGTH, CLOSE])
@pytest.mark.parametrize("minor", [0, 1])
@pytest.mark.parametrize("octets", [False, True])
def test_the_client_gets_the_same_body(raw: bytes, minor: int, *, octets: bool) -> None:
    relay = ResponseRelay(request(minor=minor))
    pieces = [raw[at : at + 1] for at in range(len(raw))] if octets else [raw]
    out = relayed(relay, pieces, keep=minor > 0, ended=raw is CLOSE)
    assert relay.done
    assert relay.reusable is (raw is not CLOSE)
    assert relay.to_close is (minor == 0)
    found = read(out, ended=relay.to_close)
    assert found.body == b"abc"
    assert (b"transfer-encoding" in dict(found.fields)) is (minor == 1 and raw is not LENGTH)


def test_an_old_client_may_keep_its_connection_when_the_length_is_known() -> None:
    head = request(b"Connection: keep-alive", minor=0)
    for raw, closes in ((LENGTH, False), (CHUNKED, True)):
        relay = ResponseRelay(head)
        out = relayed(relay, [raw])
        assert relay.to_close is closes
        assert (b"Connection: keep-alive\r\n" in out) is not closes


@pytest.mark.parametrize("raw", [CHUNKED[:-3], LENGTH[:-1], LENGTH[:20], CHUNKED[:-10]])
def test_an_answer_cut_short_has_no_end(raw: bytes) -> None:
    relay = ResponseRelay(request())
    relayed(relay, [raw])
    assert relay.end() is None
    assert not relay.done
    assert not relay.reusable


@pytest.mark.parametrize("lines", [b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b""])
def test_head_is_answered_without_a_body(lines: bytes) -> None:
    raw = b"HTTP/1.1 200 OK\r\n" + lines + b"\r\n"
    relay = ResponseRelay(request(method=b"HEAD"))
    out = relayed(relay, [raw])
    assert relay.done
    assert relay.reusable
    assert read(out, b"HEAD").body == b""


@pytest.mark.parametrize("status", [b"204 x", b"304 x"])
def test_octets_behind_an_answer_spoil_the_connection(status: bytes) -> None:
    relay = ResponseRelay(request())
    out = relayed(relay, [b"HTTP/1.1 " + status + b"\r\nContent-Length: 3\r\n\r\nabc"])
    assert b"abc" not in out
    assert relay.dirty
    assert not relay.reusable


def test_interim_answers_are_for_those_who_know_them() -> None:
    raw = b"HTTP/1.1 103 Early\r\nLink: a\r\n\r\n" + LENGTH
    for minor, shown in ((1, True), (0, False)):
        relay = ResponseRelay(request(minor=minor))
        assert not relay.started
        out = relayed(relay, [raw])
        assert relay.started
        assert relay.interim == 1
        assert out.startswith(b"HTTP/1.1 103 Early\r\nLink: a\r\n\r\n") is shown


def test_only_an_upgrade_that_was_asked_for() -> None:
    """RFC 9110 7.8: a server must not switch to a protocol that the client has not named."""
    raw = b"HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    for lines, asked in (
        ((b"Connection: upgrade", b"Upgrade: websocket"), True),
        ((b"Connection: upgrade", b"Upgrade: IRC/6.9, WebSocket"), True),
        ((b"Connection: upgrade", b"Upgrade: IRC/6.9"), False),
        ((), False),
    ):
        relay = ResponseRelay(request(*lines))
        relay.feed(raw)
        head = relay.head()
        assert head is not None
        assert relay.is_upgrade(head) is asked


def test_broken_chunks_of_a_server_are_not_passed_on() -> None:
    relay = ResponseRelay(request())
    relayed(relay, [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"])
    with pytest.raises(MessageError):
        relay.body(b"3\r\nabcd\r\n")
    assert not relay.reusable


def test_the_client_can_see_the_end() -> None:
    for raw, minor, shows in ((CHUNKED, 1, True), (LENGTH, 0, True), (CLOSE, 1, True), (CLOSE, 0, False)):
        relay = ResponseRelay(request(minor=minor))
        relayed(relay, [raw])
        assert relay.shows_its_end is shows

"""What the players read is held against h11."""

from __future__ import annotations

from typing import Any

import h11
import pytest

from director.program.simulation.messages import Reader, Unreadable, body_of, chunks

ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 17\r\n\r\n",
    b"HTTP/1.1 503 Bad\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
]


def by_h11(octets: bytes) -> tuple[int, bytes]:
    reader = h11.Connection(h11.CLIENT)
    reader.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
    reader.send(h11.EndOfMessage())
    reader.receive_data(octets)
    head: Any = reader.next_event()
    body = b""
    while isinstance(event := reader.next_event(), h11.Data):
        body += bytes(event.data)
    assert isinstance(event, h11.EndOfMessage)
    return head.status_code, body


@pytest.mark.parametrize("octets", ANSWERS)
@pytest.mark.parametrize("length", [1, 7, 1000])
def test_answers_are_read_as_h11_reads_them(octets: bytes, length: int) -> None:
    reader = Reader(lambda: False)
    message = None
    for at in range(0, len(octets), length):
        assert message is None or not message.whole
        reader.feed(octets[at : at + length])
        message = reader.next()
    assert message is not None
    assert message.whole
    assert (message.status, bytes(message.body)) == by_h11(octets)
    assert reader.taken == len(octets)
    assert reader.rest == 0


def test_two_in_one_read_are_two() -> None:
    reader = Reader()
    reader.feed(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST /x HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi")
    found = [reader.next(), reader.next(), reader.next()]
    assert [one.words[0] for one in found[:2] if one is not None] == ["GET", "POST"]
    assert found[2] is None


def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    reader = Reader(lambda: False)
    reader.feed(b"HTTP/1.1 200 OK\r\n\r\nhalf")
    message = reader.next()
    assert message is not None
    assert not message.whole
    assert message.last
    assert reader.close() is message
    assert message.whole


def test_an_answer_to_head_has_no_body() -> None:
    reader = Reader(lambda: True)
    reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
    message = reader.next()
    assert message is not None
    assert message.whole


@pytest.mark.parametrize(
    "octets",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    ],
)
def test_what_is_no_message_is_refused(octets: bytes) -> None:
    reader = Reader(lambda: False)
    reader.feed(octets)
    with pytest.raises(Unreadable):
        reader.next()


def test_a_body_follows_from_its_label() -> None:
    assert body_of("a", 5) == b"a|a|a"
    assert body_of("a", 0) == b""
    assert chunks(b"abc", 2) == b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"

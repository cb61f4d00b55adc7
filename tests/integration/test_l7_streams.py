"""Bodies on the way: back-pressure, size, aborts and early answers, with bounded memory."""

from __future__ import annotations

import contextlib
import hashlib
import time

import pytest

from tests.integration.conftest import StartDirector
from tests.integration.texts import web
from tests.support import needs
from tests.support.client import Place, RawClient
from tests.support.origin import (
    Close,
    Hang,
    Origin,
    Pause,
    Send,
    plain,
    response,
    sized,
)
from tests.support.running import settled, wait_until

pytestmark = [pytest.mark.integration, needs.director]

MB = 1 << 20
LARGE = 200 * MB
# hardening.md: resident size of all processes may grow by 16 MB.
ROOM = 16 * MB
GET = b"GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n"
BLOCK = b"0123456789abcdef" * 4096


def warm(place: Place) -> None:
    """What the first requests cost in memory is no leak."""
    with RawClient(place) as client:
        for number in range(1, 101):
            client.ask(GET)
            assert client.wait(number)


def upload_head(length: int, *lines: bytes) -> bytes:
    return b"\r\n".join(
        [
            b"POST /up HTTP/1.1",
            b"Host: a.example",
            b"Content-Length: %d" % length,
            *lines,
            b"",
            b"",
        ]
    )


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_a_large_download_is_whole_and_memory_is_bounded(
    start: StartDirector, origin: Origin, framing: str
) -> None:
    director = start(web({"s": origin.address}))
    warm(director.place)
    before = director.resident
    origin.answer = lambda _: sized(LARGE, framing)
    with RawClient(director.place, patience=20) as client:
        client.ask(GET)
        assert client.wait(1), "the download did not end"
        grown = director.resident - before
    answer = client.answers[0]
    assert (answer.size, answer.sha256) == (
        LARGE,
        hashlib.sha256(BLOCK * (LARGE // len(BLOCK))).hexdigest(),
    )
    assert grown < ROOM


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_large_upload_is_whole_and_memory_is_bounded(
    start: StartDirector, origin: Origin, framing: str
) -> None:
    director = start(web({"s": origin.address}, "timeout.response = 20s"))
    warm(director.place)
    before, count = director.resident, LARGE // len(BLOCK)
    with RawClient(director.place, patience=20) as client:
        if framing == "length":
            client.ask(upload_head(LARGE))
            for _ in range(count):
                client.send(BLOCK)
        else:
            client.ask(b"POST /up HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(count):
                client.send(b"%x\r\n%s\r\n" % (len(BLOCK), BLOCK))
            client.send(b"0\r\n\r\n")
        assert client.wait(1), "no answer to the upload"
        grown = director.resident - before
    assert client.answers[0].value(b"x-seen-sha256") == hashlib.sha256(BLOCK * count).hexdigest().encode()
    assert grown < ROOM


def test_clients_that_do_not_read_hold_the_server_back(start: StartDirector, origin: Origin) -> None:
    director = start(web({"s": origin.address}))
    warm(director.place)
    before = director.resident
    origin.forget()
    origin.answer = lambda _: sized(100 * MB)
    clients = [RawClient(director.place, receive_buffer=8192) for _ in range(10)]
    try:
        for client in clients:
            client.ask(GET)
        assert wait_until(lambda: len(origin.log) == 10)
        assert settled(lambda: origin.sent), "the server was not held back"
        assert director.resident - before < ROOM + 10 * MB
    finally:
        for client in clients:
            client.socket.close()


def test_a_server_that_does_not_read_holds_the_client_back(start: StartDirector, origin: Origin) -> None:
    director = start(web({"s": origin.address}, "timeout.response = 10s"))
    warm(director.place)
    before = director.resident
    origin.drop_connections()
    origin.read_rate = 20000
    with RawClient(director.place, patience=3) as client:
        client.ask(upload_head(LARGE))
        began = time.monotonic()
        client.send(b"x" * (100 * MB))
        assert time.monotonic() - began > 2, "100 MB were taken though the server reads 20 kB/s"
        assert director.resident - before < ROOM


def test_own_answers_that_nobody_reads_cost_no_memory(start: StartDirector, origin: Origin) -> None:
    # The page of 20 kB is 600 times its request: without bound, 1 MB of requests would become 600 MB.
    page = "[rule:1 page]\nservice = www\nwhen = path = /page\nrespond = 503 " + "x" * 20_000
    director = start(web({"s": origin.address}) + page)
    warm(director.place)
    before = director.resident
    with RawClient(director.place, receive_buffer=8192, patience=2) as client:
        client.socket.setblocking(False)
        pushed = b"GET /page HTTP/1.1\r\nHost: a.example\r\n\r\n" * 25_000
        with contextlib.suppress(BlockingIOError):
            while pushed:
                pushed = pushed[client.socket.send(pushed) :]
        assert settled(lambda: director.resident)
        assert director.resident - before < ROOM


def test_other_clients_go_on_beside_slow_ones(start: StartDirector, origin: Origin) -> None:
    director = start(web({"s": origin.address}))
    slow = [RawClient(director.place) for _ in range(100)]
    try:
        for client in slow:
            client.send(b"GET /slow HTTP/1.1\r\nHo")
        for _ in range(50):
            with RawClient(director.place) as client:
                client.ask(GET)
                assert client.wait(1), "the slow ones have 30 s for their heads"
    finally:
        for client in slow:
            client.socket.close()


def test_a_client_that_never_ends_its_head_is_cut(start: StartDirector, origin: Origin) -> None:
    director = start(web({"s": origin.address}, service_lines="timeout.client = 1s"))
    with RawClient(director.place) as client:
        client.asked(b"GET")
        for _ in range(30):
            client.send(b"X" if client.raw else b"G")
            client.wait(patience=0.1)
            if client.ended:
                break
        assert client.wait(patience=1), "still open after three times the time-out"
    assert client.statuses in ([], [408])
    assert origin.log == []


def test_an_upload_that_the_client_drops_is_never_complete(start: StartDirector, origin: Origin) -> None:
    director = start(web({"s": origin.address}))
    for number in range(50):
        with RawClient(director.place) as client:
            client.asked(b"POST")
            client.send(upload_head(100000) + b"x" * (1000 * number))
            if number % 2:
                client.fin()
                client.wait(patience=0.02)
    assert wait_until(lambda: all(record.end != "open" for record in origin.records if record.begun))
    assert [message.target for message in origin.log] == []


def test_a_chunked_upload_that_the_client_drops_is_never_complete(
    start: StartDirector, origin: Origin
) -> None:
    director = start(web({"s": origin.address}))
    head = b"POST /up HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n"
    for end in (
        b"",
        b"3\r\n",
        b"3\r\nabc",
        b"3\r\nabc\r\n",
        b"3\r\nabc\r\n0",
        b"3\r\nabc\r\n0\r\n",
    ):
        with RawClient(director.place) as client:
            client.send(head + end)
            client.fin()
            client.wait(patience=0.1)
    assert origin.log == []


def test_an_early_answer_reaches_a_client_that_still_sends(start: StartDirector, origin: Origin) -> None:
    too_large = response(413, b"too large", (b"Connection", b"close"))
    origin.early = lambda _: [Send(too_large), Pause(0.5), Close()]
    director = start(web({"s": origin.address}))
    warm(director.place)
    before = director.resident
    with RawClient(director.place, patience=5) as client:
        client.ask(upload_head(50 * MB))
        for _ in range(50):
            client.send(b"x" * MB)
        client.wait(1)
        grown = director.resident - before
    assert client.statuses == [413]
    assert bytes(client.answers[0].body) == b"too large"
    assert grown < 8 * MB + ROOM


def test_what_the_server_has_left_of_an_upload_never_begins_another_request(
    start: StartDirector, origin: Origin
) -> None:
    """The origin answers early and keeps its connection: it must not be used again with half a body on it."""
    origin.early = lambda _: [Send(response(200, b"early"))]
    director = start(web({"s": origin.address}))
    with RawClient(director.place) as client:
        client.ask(upload_head(100000) + b"x" * 50000)
        client.wait(1)
    origin.early = None
    with RawClient(director.place) as client:
        client.ask(GET)
        client.wait(1)
    assert client.statuses == [200]
    assert [record.end for record in origin.records if record.end.startswith("malformed")] == []


def test_a_silent_server_is_given_up_in_time(start: StartDirector, origin: Origin) -> None:
    origin.answer = lambda _: [Hang()]
    director = start(web({"s": origin.address}, "timeout.response = 500ms"))
    with RawClient(director.place) as client:
        client.ask(GET)
        assert client.wait(1, patience=20), "the default is 30 s"
    assert client.statuses[0] in {503, 504}


def test_when_a_client_goes_its_server_connection_is_not_left_behind(
    start: StartDirector, origin: Origin
) -> None:
    origin.answer = lambda message: [Pause(1), Send(plain(message))]
    # Without idle connections, whatever is open afterwards was left behind.
    director = start(web({"s": origin.address}, "idle_connections = 0\n"))
    for _ in range(20):
        with RawClient(director.place) as client:
            client.ask(GET)
    assert wait_until(lambda: len(origin.log) >= 20, 4)
    assert wait_until(lambda: all(record.end != "open" for record in origin.records), 6)

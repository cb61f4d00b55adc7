"""Servers that die, hang, reset and come back, under a ledger of requests."""

from __future__ import annotations

import signal
import time
from hashlib import sha256

import pytest

from tests.integration.conftest import StartDirector, StartOrigin
from tests.integration.texts import CHECK, web
from tests.support import needs
from tests.support.client import RawClient, fetch
from tests.support.ledger import Ledger, duplicates
from tests.support.origin import Close, Origin, Reset, Send, plain, response
from tests.support.running import OriginProcess
from tests.support.strict import Message

pytestmark = [pytest.mark.integration, needs.director]

GET = b"GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n"
POST = b"POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\n\r\nabc"
CHECKED = "check = alive\n"
RETRY = "retry = connect, empty; tries 2\n"


def addresses(*origins: OriginProcess | Origin) -> dict[str, str]:
    return {f"s{number}": origin.address for number, origin in enumerate(origins)}


def seen(*origins: OriginProcess) -> list[tuple[str, str]]:
    return [pair for origin in origins for pair in origin.seen]


def settle(ledger: Ledger, *origins: OriginProcess, allowed: tuple[int, ...] = ()) -> None:
    """CROSS and DUP are 0; every GET has come to a good end."""
    assert not ledger.crossed
    assert duplicates(pair for pair in seen(*origins) if pair[0]) == []
    assert [entry for entry in ledger.lost(*allowed) if entry.method == "GET"] == [], ledger.sums


def test_a_killed_server_costs_no_request_that_can_be_retried(
    start: StartDirector, start_origin: StartOrigin
) -> None:
    a, b = start_origin("a"), start_origin("b")
    director = start(web(addresses(a, b), RETRY + CHECKED) + CHECK)
    with Ledger(director.place, 150).running() as ledger:
        ledger.more(100)
        alive = time.monotonic()
        a.kill()
        killed = time.monotonic()
        assert director.finds("down", a.address)
        ledger.more(150)
        a.start()
        assert director.finds("up", a.address)
        ledger.more(150)
    settle(ledger, a, b)
    # What was in flight as a POST at the kill cannot be retried; a POST that found no listener can.
    lost = ledger.lost()
    assert all(one.began <= killed and one.began + one.took >= alive for one in lost), ledger.sums


def test_a_restarted_server_is_used_again(start: StartDirector, start_origin: StartOrigin) -> None:
    a, b = start_origin("a"), start_origin("b")
    director = start(web(addresses(a, b), RETRY + CHECKED) + CHECK)
    a.kill()
    assert director.finds("down", a.address)
    a.start()
    assert director.finds("up", a.address)
    before = len(a.seen)
    with Ledger(director.place, 50).running() as ledger:
        ledger.more(50)
    settle(ledger, a, b)
    assert ledger.lost() == []
    assert len([pair for pair in a.seen[before:] if pair[0]]) > 10


def test_a_hung_server_is_left_alone_once_its_check_fails(
    start: StartDirector, start_origin: StartOrigin
) -> None:
    a, b = start_origin("a"), start_origin("b")
    lines = "retry = connect, empty, timeout; tries 2\ntimeout.response = 1s\n"
    director = start(web(addresses(a, b), lines + CHECKED) + CHECK)
    with Ledger(director.place, 60).running() as ledger:
        ledger.more(60)
        a.signal(signal.SIGSTOP)
        assert director.finds("down", a.address)
        noticed = time.monotonic()
        ledger.more(120)
        a.signal(signal.SIGCONT)
        assert director.finds("up", a.address)
        ledger.more(60)
    settle(ledger, a, b)
    late = [entry for entry in ledger.after(noticed) if entry.outcome != "OK"]
    assert late == [], ledger.sums
    # A POST that hung may have been carried out: it must end in a clean error in time, not in a second try.
    assert ledger.lost(502, 503, 504) == [], ledger.sums
    assert max(entry.took for entry in ledger.entries) < 4


def test_a_server_that_resets_each_connection_costs_no_get(start: StartDirector, origin: Origin) -> None:
    with Origin(lambda _: [Reset()]) as bad:
        director = start(web(addresses(bad, origin), RETRY))
        with Ledger(director.place, 60, methods=("GET",)).running() as ledger:
            ledger.more(120)
    assert not ledger.crossed
    assert ledger.lost() == [], ledger.sums


def test_a_post_that_was_sent_is_never_sent_twice(start: StartDirector) -> None:
    with Origin(lambda _: [Reset()]) as bad, Origin(lambda _: [Close()]) as worse:
        director = start(web(addresses(bad, worse), RETRY))
        for _ in range(10):
            assert fetch(director.place, POST).status in {502, 503, 504}
        assert len(bad.log) + len(worse.log) == 10


def test_a_post_that_could_not_be_sent_is_retried(start: StartDirector, origin: Origin) -> None:
    with Origin() as dead:
        address = dead.address
    director = start(web({"dead": address, "alive": origin.address}, RETRY))
    assert [fetch(director.place, POST).status for _ in range(6)] == [200] * 6
    assert len(origin.log) == 6


def test_a_stale_keep_alive_connection_is_not_noticed_by_clients(
    start: StartDirector, origin: Origin
) -> None:
    director = start(web(addresses(origin), RETRY))
    with RawClient(director.place) as client:
        for number in range(1, 21):
            client.ask(GET)
            assert client.wait(number), f"no answer to request {number}"
            origin.drop_connections()
    assert client.statuses == [200] * 20


def test_a_server_that_closes_after_each_answer_without_saying_so(
    start: StartDirector,
) -> None:
    def rude(message: Message) -> list[Send | Close]:
        return [Send(plain(message)), Close()]

    with Origin(rude) as origin:
        director = start(web(addresses(origin), RETRY))
        with Ledger(director.place, 100, methods=("GET",)).running() as ledger:
            ledger.more(200)
    assert ledger.lost() == [], ledger.sums


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_server_that_dies_inside_its_answer_gives_a_visibly_cut_one(
    start: StartDirector, origin: Origin, framing: str
) -> None:
    head = {
        "length": b"Content-Length: 100000\r\n\r\n",
        "chunked": b"Transfer-Encoding: chunked\r\n\r\n186a0\r\n",
    }
    origin.answer = lambda _: [
        Send(b"HTTP/1.1 200 OK\r\n" + head[framing] + b"x" * 50000),
        Close(),
    ]
    director = start(web(addresses(origin), RETRY))
    with RawClient(director.place) as client:
        client.ask(GET)
        assert client.wait(), "the connection was left open"
    assert client.answers == []
    assert client.truncated is not None
    assert client.truncated.status == 200
    assert client.truncated.size <= 50000
    assert len(origin.log) == 1, "a request was repeated although its answer had begun"


def test_a_status_that_counts_as_failure_is_retried_elsewhere(start: StartDirector, origin: Origin) -> None:
    with Origin(lambda _: [Send(response(503, b"not now"))]) as busy:
        director = start(web(addresses(busy, origin), "retry = connect, empty, 503; tries 2"))
        assert [fetch(director.place, GET).status for _ in range(6)] == [200] * 6
        assert busy.log


@pytest.mark.parametrize("size", [16384, 16384 + 262144])
def test_what_comes_behind_an_answer_reaches_no_other_client(start: StartDirector, size: int) -> None:
    """A second answer in the same write, at the boundary of a read (RFC 9112 6.3)."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %6d\r\n\r\n"
    length = size - len(head % 0)
    evil = response(200, b"evil")
    with Origin(lambda _: [Send(head % length + b"x" * length + evil)]) as bad:
        director = start(web(addresses(bad)))
        clients = [RawClient(director.place) for _ in range(16)]
        try:
            for number in range(1, 31):
                for client in clients:
                    client.ask(GET)
                assert all(client.wait(number) for client in clients)
        finally:
            for client in clients:
                client.socket.close()
    assert {status for client in clients for status in client.statuses} == {200}
    assert {one.sha256 for client in clients for one in client.answers} == {sha256(b"x" * length).hexdigest()}

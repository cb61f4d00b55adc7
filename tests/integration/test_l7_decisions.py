"""Where requests go when things change or fail: the queue, all causes of the fault path, early answers."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from tests.integration.conftest import StartDirector
from tests.integration.texts import BASE, pool, service, web
from tests.support import needs
from tests.support.client import RawClient, fetch
from tests.support.origin import Close, Hang, Origin, Pause, Send, Step, plain, response
from tests.support.running import Director, free_port, wait_until

pytestmark = [pytest.mark.integration, needs.director]

WORKERS = "0"

GET = b"GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n"
POST = b"POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\r\nhi"
SORRY = b"<p>We are sorry.</p>"
PAGE = "\n[page:sorry]\nfile = sorry.html\n"
TO_PAGE = "fault = page sorry"


@pytest.fixture
def other() -> Iterator[Origin]:
    """A server that is well."""
    with Origin() as origin:
        yield origin


@pytest.fixture(autouse=True)
def sorry(tmp_path: Path) -> None:
    (tmp_path / "sorry.html").write_bytes(SORRY)


# --- who waits in a queue is decided anew -------------------------------------------------------------


QUEUE = "queue = 10 for 20s"


class Waiting:
    """One client holds the only place of a server, another one waits for it."""

    def __init__(self, director: Director, origin: Origin, request: bytes = GET) -> None:
        self.director = director
        origin.answer = lambda _: [Hang()]
        self.holder = RawClient(director.place, patience=20)
        self.holder.ask(GET)
        assert wait_until(lambda: bool(origin.log)), "the first request did not reach its server"
        self.client = RawClient(director.place, patience=20)
        self.client.ask(request)
        assert wait_until(lambda: self.queued() == 1), "nobody waits"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.holder.socket.close()
        self.client.socket.close()

    def queued(self) -> int:
        found = self.director.api("pools")
        return sum(one["queue"]["waiting"] for one in found)

    def answer(self) -> tuple[int, bytes]:
        """What the one that waits gets, long before its time in the queue is over."""
        began = time.monotonic()
        assert self.client.wait(1, patience=5), "it waits for its time-out"
        assert time.monotonic() - began < 3
        return self.client.statuses[0], bytes(self.client.answers[0].body)


def full(start: StartDirector, origin: Origin, lines: str = TO_PAGE) -> Director:
    return start(BASE + pool("web", {"s": f"{origin.address} max=1"}, QUEUE) + PAGE + service(lines))


@pytest.mark.parametrize("line", ["weight=0", ""])
def test_a_server_that_is_quiesced_or_removed_is_waited_for_no_more(
    start: StartDirector, origin: Origin, line: str
) -> None:
    director = full(start, origin)
    with Waiting(director, origin) as waiting:
        servers = {"s": f"{origin.address} max=1 {line}"} if line else {}
        director.write(BASE + pool("web", servers, QUEUE) + PAGE + service(TO_PAGE))
        director.reload()
        assert waiting.answer() == (503, SORRY)


def test_a_pool_that_is_renamed_serves_who_waits(start: StartDirector, origin: Origin, other: Origin) -> None:
    director = full(start, origin)
    with Waiting(director, origin) as waiting:
        director.write(
            BASE + pool("renamed", {"s": other.address}) + PAGE + service(TO_PAGE, default="renamed")
        )
        director.reload()
        assert waiting.answer()[0] == 200
        assert [message.target for message in other.log] == [b"/x"]


def test_a_service_that_goes_lets_nobody_wait(start: StartDirector, origin: Origin, other: Origin) -> None:
    director = full(start, origin)
    with Waiting(director, origin) as waiting:
        port = free_port()
        elsewhere = f"\n[l7:new]\nlisten = 127.0.0.1:{port}\npool = new\n"
        director.write(BASE + pool("new", {"s": other.address}) + elsewhere)
        director.reload()
        assert waiting.answer()[0] == 503


def test_a_failed_check_ends_the_wait(start: StartDirector, origin: Origin) -> None:
    check = "\n[check:alive]\nhttp = GET /healthz\nevery = 200ms\ntimeout = 200ms\nrise = 1\nfall = 2\n"
    lines = QUEUE + "\ncheck = alive"
    text = BASE + check + pool("web", {"s": f"{origin.address} max=1"}, lines) + PAGE + service(TO_PAGE)
    director = start(text)
    assert director.finds("up", origin.address)
    # From now on it hangs, for checks as well.
    with Waiting(director, origin) as waiting:
        assert waiting.answer() == (503, SORRY)


@pytest.mark.parametrize("how", ["closes", "resets"])
def test_who_leaves_with_its_upload_paused_gives_its_place_back(
    start: StartDirector, origin: Origin, how: str
) -> None:
    """Its octets fill the spool, so it is not read, and its leaving would not be heard."""
    director = full(start, origin)
    head = b"POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1000000\r\n\r\n"
    with Waiting(director, origin, head + b"x" * 100_000) as waiting:
        time.sleep(0.3)
        if how == "resets":
            waiting.client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        waiting.client.socket.close()
        assert wait_until(lambda: waiting.queued() == 0), "its place is still taken"


# --- all causes of the fault path -------------------------------------------------------------------------


BAD: dict[str, tuple[list[Step], int]] = {
    "timeout": ([Hang()], 504),
    "empty": ([Close()], 502),
    "junk": ([Send(b"SSH-2.0-OpenSSH_9.2\r\n"), Close()], 502),
}
QUICK = "timeout.response = 500ms\nretry = off"


def failing(cause: str) -> Origin:
    steps, _ = BAD[cause]
    return Origin(lambda _: steps)


@pytest.mark.parametrize("cause", BAD)
def test_the_operators_page_is_the_answer_to_each_failure(start: StartDirector, cause: str) -> None:
    with failing(cause) as bad:
        director = start(BASE + pool("web", {"s": bad.address}, QUICK) + PAGE + service(TO_PAGE))
        for request in (GET, POST):
            answer = fetch(director.place, request)
            assert (answer.status, bytes(answer.body)) == (BAD[cause][1], SORRY)
            assert b"no-store" in answer.value(b"cache-control")


@pytest.mark.parametrize("cause", BAD)
def test_only_what_may_be_sent_again_goes_to_another_server(
    start: StartDirector, other: Origin, cause: str
) -> None:
    lines = "fault = active, page sorry"
    rule = "\n[rule:100 spare]\nservice = www\nwhen = path ^= /spare/\npool = spare\n"
    with failing(cause) as bad:
        pools = pool("web", {"s": bad.address}, QUICK) + pool("spare", {"t": other.address})
        director = start(BASE + pools + rule + PAGE + service(lines))
        assert fetch(director.place, GET).status == 200
        answer = fetch(director.place, POST)
        assert (answer.status, bytes(answer.body)) == (BAD[cause][1], SORRY)
    assert [message.method for message in other.log] == [b"GET"]


def test_a_cause_that_is_not_named_gets_the_built_in_page(start: StartDirector) -> None:
    with failing("timeout") as bad:
        lines = TO_PAGE + "\nfault_on = no_server, connect"
        director = start(BASE + pool("web", {"s": bad.address}, QUICK) + PAGE + service(lines))
        answer = fetch(director.place, GET)
    assert answer.status == 504
    assert bytes(answer.body) != SORRY


def test_active_tries_all_live_servers_before_the_page(start: StartDirector, other: Origin) -> None:
    """The first client of an outage: two of three servers are dead, and nobody knows it yet."""
    dead = [f"127.0.0.1:{free_port()}" for _ in range(3)]
    pools = pool("web", {"s": dead[0]}, "retry = off") + pool("spare", {"t": dead[1], "u": dead[2]})
    pools += pool("last", {"v": other.address})
    rules = "".join(
        f"\n[rule:{number} {name}]\nservice = www\nwhen = path ^= /{name}/\npool = {name}\n"
        for number, name in ((100, "spare"), (200, "last"))
    )
    director = start(BASE + pools + rules + PAGE + service("fault = active, page sorry"))
    assert fetch(director.place, POST).status == 200
    assert [message.method for message in other.log] == [b"POST"]


# --- early answers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [20_000, 100_000, 500_000])
def test_an_early_answer_is_whole_though_the_server_closes_with_the_upload_unread(
    start: StartDirector, origin: Origin, size: int
) -> None:
    body = b"too large. " * (size // 11)
    # What its kernel has not sent yet when it closes is lost by its own doing.
    leaves = [Pause(0.5), Close()] if size > 60_000 else [Close()]
    origin.early = lambda _: [Send(response(413, body, (b"Connection", b"close"))), *leaves]
    director = start(web({"s": origin.address}))
    with RawClient(director.place, patience=10) as client:
        client.ask(b"POST /up HTTP/1.1\r\nHost: a.example\r\nContent-Length: 50000000\r\n\r\n")
        for _ in range(40):
            client.send(b"x" * 100_000)
        client.wait(1)
    assert client.statuses == [413]
    assert bytes(client.answers[0].body) == body


# --- time, and a change of protocol with a body -------------------------------------------------------------


def test_the_server_has_its_time_before_a_client_that_waits_is_late(
    start: StartDirector, origin: Origin
) -> None:
    last = response(200, b"got it")
    origin.early = lambda _: [
        Pause(1.5), Send(b"HTTP/1.1 100 Continue\r\n\r\n"), Pause(0.5), Send(last),
    ]  # fmt: skip
    lines = "timeout.client = 1s"
    director = start(web({"s": origin.address}, "timeout.response = 5s", lines))
    head = b"POST /x HTTP/1.1\r\nHost: a.example\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    with RawClient(director.place, patience=10) as client:
        client.ask(head)
        assert client.until(lambda: client.interim, patience=5)
        client.send(b"hi")
        client.wait(1)
    assert client.statuses[-1] == 200


def test_interim_answers_over_a_long_time_are_no_error(start: StartDirector) -> None:
    steps: list[Step] = []
    for _ in range(45):
        steps += [Send(b"HTTP/1.1 102 Processing\r\n\r\n"), Pause(0.06)]
    with Origin(lambda message: [*steps, Send(plain(message))]) as slow:
        director = start(web({"s": slow.address}, "timeout.response = 1s"))
        with RawClient(director.place, patience=20) as client:
            client.ask(GET)
            client.wait(1)
    assert client.statuses[-1] == 200


def test_a_body_with_an_upgrade_reaches_no_other_client(start: StartDirector) -> None:
    """A server that ends the request at its head takes the body for the next request."""
    evil = b"GET /evil HTTP/1.1\r\nHost: h\r\n\r\n"
    with Origin() as origin:
        director = start(web({"s": origin.address}))
        head = b"POST /ws HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        request = head + b"Content-Length: %d\r\n\r\n" % len(evil) + evil
        assert fetch(director.place, request).status == 200
        assert fetch(director.place, GET).status == 200
        first, second = origin.log
        assert first.value(b"upgrade") == b""
        assert [first.target, second.target] == [b"/ws", b"/x"]
        assert len(origin.records) == 2, "the server's connection carried another request"

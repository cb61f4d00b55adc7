"""The fault path: each step for each cause, with the whole request delivered exactly once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import StartDirector
from tests.integration.texts import BASE, page, pool, service
from tests.support import needs
from tests.support.client import RawClient, fetch
from tests.support.origin import Hang, Origin, Pause, Send, plain
from tests.support.running import free_port, wait_until

pytestmark = [pytest.mark.integration, needs.director]

WORKERS = "0"

BODY = b"0123456789" * 20000
POST = b"POST /order HTTP/1.1\r\nHost: a.example\r\nX-Id: 7\r\nContent-Length: %d\r\n\r\n" % len(BODY)
CAUSES = ("no server", "connect", "queue")
STEPS = ("active", "pool", "local", "page", "built-in")
FAULT = {
    "active": "fault = active",
    "pool": "fault = pool reserve",
    "local": "fault = local {local}",
    "page": "fault = page sorry",
    "built-in": "",
}
SORRY = b"<p>We are sorry.</p>"


@pytest.fixture
def other() -> Iterator[Origin]:
    """The server that a step leads to: another pool's, or the local one."""
    with Origin() as origin:
        yield origin


def primary(cause: str, origin: Origin) -> str:
    """A pool that fails for `cause`."""
    lines = {
        "no server": {"s": f"{origin.address} weight=0"},
        "connect": {"s": f"127.0.0.1:{free_port()}"},
        "queue": {"s": f"{origin.address} max=1"},
    }[cause]
    return pool("web", lines, "queue = 10 for 300ms\nretry = connect; tries 1")


def ini(cause: str, step: str, origin: Origin, other: Origin) -> str:
    elsewhere = (
        pool("reserve", {"r": other.address})
        + "\n[rule:100 reserve]\nservice = www\nwhen = path ^= /reserve/\npool = reserve\n"
    )
    text = FAULT[step].format(local=other.address)
    return BASE + primary(cause, origin) + elsewhere + page() + service(text)


def occupy(place: tuple[str, int], origin: Origin) -> RawClient:
    """Hold the only place on the server with `max=1`."""
    origin.answer = lambda _: [Hang()]
    client = RawClient(place)
    client.ask(b"GET /hold HTTP/1.1\r\nHost: a.example\r\n\r\n")
    assert wait_until(lambda: bool(origin.log)), "the first request did not reach its server"
    return client


@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize("step", STEPS)
def test_step(
    step: str,
    cause: str,
    start: StartDirector,
    origin: Origin,
    other: Origin,
    tmp_path: Path,
) -> None:
    (tmp_path / "sorry.html").write_bytes(SORRY)
    director = start(ini(cause, step, origin, other))
    holder = occupy(director.place, origin) if cause == "queue" else None
    try:
        # Without the queue's time-out the answer would wait for the response time-out, 30 s.
        answer = fetch(director.place, POST + BODY, patience=20)
    finally:
        if holder:
            holder.socket.close()
    orders = [message for message in (*origin.log, *other.log) if message.target == b"/order"]
    if step in {"page", "built-in"}:
        assert answer.status == 503
        assert b"no-store" in answer.value(b"cache-control")
        assert orders == []
        if step == "page":
            assert bytes(answer.body) == SORRY
            assert answer.value(b"retry-after") == b"10"
    else:
        assert answer.status == 200
        assert [message.sha256 for message in orders] == [hashlib.sha256(BODY).hexdigest()]
        assert orders[0] in other.log
        assert orders[0].value(b"x-id") == b"7"


def test_the_chain_goes_on_when_a_step_fails_too(
    start: StartDirector, origin: Origin, tmp_path: Path
) -> None:
    (tmp_path / "sorry.html").write_bytes(SORRY)
    dead = f"127.0.0.1:{free_port()}"
    steps = service(f"fault = active, pool reserve, local {dead}, page sorry")
    director = start(BASE + primary("connect", origin) + pool("reserve", {"r": dead}) + page() + steps)
    answer = fetch(director.place, POST + BODY)
    assert (answer.status, bytes(answer.body)) == (503, SORRY)


def test_a_local_server_gets_a_body_of_which_part_was_read_already(
    start: StartDirector, origin: Origin, other: Origin
) -> None:
    """The first half comes before the connection to the dead server fails, the second after."""
    director = start(BASE + primary("connect", origin) + service(f"fault = local {other.address}"))
    with RawClient(director.place) as client:
        client.asked(b"POST")
        client.send(POST + BODY[:60000])
        assert wait_until(lambda: any(record.begun for record in other.records))
        client.send(BODY[60000:])
        client.wait(1)
    assert client.statuses == [200]
    orders = [message for message in other.log if message.target == b"/order"]
    assert [message.sha256 for message in orders] == [hashlib.sha256(BODY).hexdigest()]


def test_a_chunked_body_reaches_the_local_server_whole(
    start: StartDirector, origin: Origin, other: Origin
) -> None:
    director = start(BASE + primary("no server", origin) + service(f"fault = local {other.address}"))
    raw = b"POST /order HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n"
    raw += (
        b"".join(b"3e8\r\n%s\r\n" % BODY[at : at + 1000] for at in range(0, len(BODY), 1000)) + b"0\r\n\r\n"
    )
    assert fetch(director.place, raw).status == 200
    assert [message.sha256 for message in other.log] == [hashlib.sha256(BODY).hexdigest()]


def test_an_answer_of_the_server_itself_is_no_fault(
    start: StartDirector, origin: Origin, other: Origin
) -> None:
    origin.answer = lambda _: [Send(b"HTTP/1.1 500 X\r\nContent-Length: 4\r\n\r\nmine")]
    director = start(BASE + pool("web", {"s": origin.address}) + service(f"fault = local {other.address}"))
    answer = fetch(director.place, POST + BODY)
    assert (answer.status, bytes(answer.body)) == (500, b"mine")
    assert other.log == []


def test_who_waits_in_the_queue_is_served_when_there_is_room(start: StartDirector, origin: Origin) -> None:
    origin.answer = lambda message: [Pause(0.2), Send(plain(message))]
    lines = pool("web", {"s": f"{origin.address} max=1"}, "queue = 10 for 5s")
    director = start(BASE + lines + service())
    clients = [RawClient(director.place) for _ in range(5)]
    try:
        for client in clients:
            client.ask(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
        assert all(client.wait(1) for client in clients)
        assert [client.statuses for client in clients] == [[200]] * 5
    finally:
        for client in clients:
            client.socket.close()


def test_a_full_queue_is_answered_at_once(start: StartDirector, origin: Origin) -> None:
    director = start(BASE + pool("web", {"s": f"{origin.address} max=1"}, "queue = 1 for 60s") + service())
    with occupy(director.place, origin), RawClient(director.place) as waiting:
        waiting.ask(b"GET /waits HTTP/1.1\r\nHost: a.example\r\n\r\n")
        assert wait_until(lambda: director.api("pools", "web")["queue"]["waiting"])
        answer = fetch(director.place, b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", patience=20)
        assert answer.status == 503

"""A director that was stopped for longer than its time-outs: nothing that could be served fails."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.integration.conftest import StartDirector
from tests.integration.texts import CHECK, web
from tests.support import needs
from tests.support.client import RawClient
from tests.support.origin import Echo, Origin, Pause, Send, Step, plain
from tests.support.running import Director, children

pytestmark = [pytest.mark.integration, needs.director]

GET = b"GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n"
STOPPED = 3.0
"""Seconds for which the process stands still, with time-outs of two."""
MANY = 20
TIMEOUTS = "\n".join(f"timeout.{name} = 2s" for name in ("connect", "response", "idle", "tunnel")) + "\n"
CLIENTS = "timeout.client = 2s\ntimeout.keepalive = 2s\n"


@contextmanager
def stopped(director: Director) -> Iterator[None]:
    """Stop all of it, do something meanwhile, and let it go on."""
    everybody = (director.pid, *children(director.pid))
    for pid in everybody:
        os.kill(pid, signal.SIGSTOP)
    until = time.monotonic() + STOPPED
    try:
        yield
        time.sleep(max(0.0, until - time.monotonic()))
    finally:
        for pid in reversed(everybody):
            os.kill(pid, signal.SIGCONT)


@pytest.fixture
def clients() -> Iterator[Callable[[Director], list[RawClient]]]:
    """`MANY` open connections."""
    with ExitStack() as stack:
        yield lambda director: [stack.enter_context(RawClient(director.place)) for _ in range(MANY)]


Clients = Callable[[Director], list[RawClient]]


def test_answers_that_came_meanwhile_are_given(start: StartDirector, clients: Clients) -> None:
    with Origin(lambda message: [Pause(1.0), Send(plain(message))]) as slow:
        director = start(web({"a": slow.address}, TIMEOUTS, CLIENTS))
        asking = clients(director)
        for client in asking:
            client.ask(GET)
        slow.forget()
        time.sleep(0.5)
        with stopped(director):
            pass
        assert [client.wait(1) and client.statuses for client in asking] == [[200]] * MANY


def test_a_request_on_a_kept_connection_is_answered(
    start: StartDirector, origin: Origin, clients: Clients
) -> None:
    director = start(web({"a": origin.address}, TIMEOUTS, CLIENTS))
    asking = clients(director)
    for client in asking:
        client.ask(GET)
        client.wait(1)
    with stopped(director):
        for client in asking:
            client.ask(GET)
    assert [client.wait(2) and client.statuses for client in asking] == [[200, 200]] * MANY


def test_uploads_go_on(start: StartDirector, origin: Origin, clients: Clients) -> None:
    director = start(web({"a": origin.address}, TIMEOUTS, CLIENTS))
    asking = clients(director)
    head = b"POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 6\r\n\r\n"
    for client in asking:
        client.ask(head + b"abc")
    time.sleep(0.2)
    with stopped(director):
        for client in asking[::2]:
            client.send(b"def")
    # Half of them go on only now: what they were told while it stood still, they could not know.
    time.sleep(0.5)
    for client in asking[1::2]:
        client.send(b"def")
    assert [client.wait(1) and client.statuses for client in asking] == [[200]] * MANY


def test_downloads_go_on(start: StartDirector, clients: Clients) -> None:
    body = b"x" * 100_000
    parts: list[Step] = [
        Send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (2 * len(body)) + body),
        Pause(1.5),
    ]
    with Origin(lambda _: [*parts, Send(body)]) as slow:
        director = start(web({"a": slow.address}, TIMEOUTS, CLIENTS))
        asking = clients(director)
        for client in asking:
            client.ask(GET)
        time.sleep(0.5)
        with stopped(director):
            pass
        assert [client.wait(1) and client.statuses for client in asking] == [[200]] * MANY


def test_tunnels_go_on(start: StartDirector) -> None:
    switched = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"
    with Origin(lambda _: [Send(switched), Echo()]) as echo:
        director = start(web({"a": echo.address}, TIMEOUTS, CLIENTS))
        with socket.create_connection(director.place, 5) as tunnel:
            tunnel.sendall(GET[:-2] + b"Connection: upgrade\r\nUpgrade: echo\r\n\r\n")
            assert tunnel.recv(1000).startswith(b"HTTP/1.1 101 ")
            with stopped(director):
                tunnel.sendall(b"ping")
            assert tunnel.recv(10) == b"ping"


def test_who_waits_in_line_is_served(start: StartDirector, clients: Clients) -> None:
    with Origin(lambda message: [Pause(0.7), Send(plain(message))]) as slow:
        director = start(web({"a": f"{slow.address} max=10"}, TIMEOUTS + "queue = 50 for 2s\n", CLIENTS))
        asking = clients(director)
        for client in asking:
            client.ask(GET)
        time.sleep(0.2)
        with stopped(director):
            pass
        assert [client.wait(1) and client.statuses for client in asking] == [[200]] * MANY


def test_checks_do_not_find_servers_down(start: StartDirector, origin: Origin) -> None:
    director = start(
        web({"a": origin.address}, TIMEOUTS + "check = alive\n") + CHECK.replace("fall = 2", "fall = 1")
    )
    assert director.finds("up", origin.address)
    for _ in range(3):
        with stopped(director):
            time.sleep(0.3)
    assert " is down" not in director.log


def test_a_server_that_hangs_is_still_given_up(start: StartDirector) -> None:
    with Origin(lambda _: [Pause(60.0)]) as dead:
        director = start(web({"a": dead.address}, TIMEOUTS, CLIENTS))
        with RawClient(director.place, patience=8.0) as client:
            client.ask(GET)
            time.sleep(0.3)
            with stopped(director):
                pass
            assert client.wait(1)
            assert client.statuses == [504]

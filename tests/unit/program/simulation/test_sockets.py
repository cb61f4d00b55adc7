"""Connections in memory do what the kernel's do: each case is played on both."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from random import Random
from typing import Any

import pytest

from director.program.simulation.loop import SimulatedLoop
from director.program.simulation.sockets import CUTS, LATENCIES, PIECES, WINDOWS, Cable

Pair = tuple[Any, Any, Callable[[], None]]
"""A client's end, an accepted one, and what lets all arrive that is on its way."""


@contextmanager
def in_memory() -> Iterator[Pair]:
    loop = SimulatedLoop()
    loop.network.wires = Cable
    doorway = loop.network.listen(("127.0.0.1", 80))
    found: list[Any] = []
    loop.network.call(("127.0.0.1", 80), "192.0.2.1", Cable(), found.append)
    loop.run(1.0)
    yield found[0], doorway.accept()[0], lambda: loop.run(loop.seconds() + 1.0)


@contextmanager
def in_the_kernel() -> Iterator[Pair]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        accepted, _ = server.accept()
        client.setblocking(False)
        accepted.setblocking(False)
        with closing(client), closing(accepted):
            yield client, accepted, lambda: time.sleep(0.05)


@pytest.fixture(params=[in_memory, in_the_kernel])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    with request.param() as made:
        yield made


def fails(act: Callable[[], object]) -> int | None:
    try:
        act()
    except OSError as error:
        return error.errno
    return None


def test_octets_then_the_end(pair: Pair) -> None:
    client, accepted, settle = pair
    assert fails(lambda: accepted.recv(10)) == errno.EAGAIN
    client.send(b"first")
    client.send(b"last")
    client.shutdown(socket.SHUT_WR)
    settle()
    assert accepted.recv(2, socket.MSG_PEEK) == b"fi"
    assert accepted.recv(4) == b"firs"
    assert accepted.recv(100) == b"tlast"
    assert accepted.recv(100) == b""
    accepted.send(b"still")
    settle()
    assert client.recv(100) == b"still"


def test_who_closes_on_unread_octets_resets(pair: Pair) -> None:
    client, accepted, settle = pair
    accepted.send(b"answer")
    client.send(b"never read")
    settle()
    accepted.close()
    settle()
    assert client.recv(100) == b"answer", "what came before the reset is read"
    assert fails(lambda: client.recv(100)) == errno.ECONNRESET
    assert client.recv(100) == b""


def test_octets_for_a_closed_end_are_answered_by_a_reset(pair: Pair) -> None:
    client, accepted, settle = pair
    accepted.close()
    settle()
    assert client.recv(100) == b""
    client.send(b"too late")
    settle()
    assert fails(lambda: client.send(b"more")) == errno.EPIPE


def test_no_more_is_on_its_way_than_there_is_room_for(pair: Pair) -> None:
    client, accepted, settle = pair
    sent, block = 0, b"x" * WINDOWS[0]
    while fails(lambda: client.send(block)) is None:
        sent += 1
        assert sent < 10_000, "there is always room"
    settle()
    taken = 0
    while fails(lambda: accepted.recv(WINDOWS[0], socket.MSG_PEEK)) is None:
        taken += len(accepted.recv(WINDOWS[0]))
    settle()
    assert taken >= WINDOWS[0]
    assert fails(lambda: client.send(block)) is None, "what was read made room"


def test_a_reset_on_purpose(pair: Pair) -> None:
    client, accepted, settle = pair
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    client.close()
    settle()
    assert fails(lambda: accepted.recv(10)) == errno.ECONNRESET
    assert fails(lambda: client.recv(10)) == errno.EBADF


def test_a_wire_cuts_and_delays_but_changes_nothing() -> None:
    loop = SimulatedLoop()
    doorway = loop.network.listen(("127.0.0.1", 80))
    found: list[Any] = []
    loop.network.call(("127.0.0.1", 80), "192.0.2.1", Cable(0.02, 7), found.append)
    loop.run(0.02)
    accepted = doorway.accept()[0]
    loop.run(0.04)
    found[0].send(b"abcdefghijklmnop")
    loop.run(0.059)
    assert accepted.held == 0
    loop.run(0.061)
    assert accepted.held == 16
    assert accepted.recv(100) == b"abcdefghijklmnop"
    assert 16 / PIECES < 7, "so it was cut by sevens"


def test_the_same_chance_draws_the_same_wires() -> None:
    drawn = [Cable.drawn(Random("x")) for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert drawn[0].latency in LATENCIES
    assert drawn[0].cut in CUTS

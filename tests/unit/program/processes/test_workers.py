"""Workers as one: what all of them serve, count and remember."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from director.registry.changes import weight
from tests.support.crews import GET, Crews, crews
from tests.support.origin import Origin


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as found:
        yield found


@pytest.fixture
def program(tmp_path: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crews]:
    with crews(tmp_path, origin.port, monkeypatch) as made:
        yield made


def test_clients_are_served_and_all_is_shown_as_one(program: Crews) -> None:
    for _ in range(8):
        assert program.fetch(program.port).startswith(b"HTTP/1.1 200 ")
    program.outcome(program.workers.refreshed("requests"))
    server = program.current.registry.pools["web"].by_name["a"]
    assert server.requests.requests == 8
    assert server.load == 0
    traces = program.workers.traces(100)
    assert len({one["id"] for one in traces}) == 8
    assert [one["time"] for one in traces] == sorted((one["time"] for one in traces), reverse=True)
    assert program.outcome(program.workers.trace(traces[3]["id"])) == traces[3]
    assert program.outcome(program.workers.trace("nobody")) is None
    assert sum(program.workers.said("traces")) == 8
    assert program.workers.listeners() == [("www", f"127.0.0.1:{program.port}", 0)]
    assert [one.name for one in program.workers.processes()] == ["worker 1", "worker 2"]


def test_a_change_is_answered_when_all_have_it(program: Crews) -> None:
    program.write(f", 127.0.0.1:{program.second}")
    assert program.reload() is None
    assert program.fetch(program.second).startswith(b"HTTP/1.1 200 ")
    change = weight(program.current.registry.configuration, "web", "a", 7)
    program.outcome(program.parts.take(program.current.of_changes([change], "ops")))
    for index in range(2):
        assert program.one(index).program._replica.registry.pools["web"].by_name["a"].weight == 7


def test_who_asks_while_figures_are_under_way_waits_for_the_next_ones(
    program: Crews, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    one = program.one()
    ask = one.channel.ask

    def heard(word: str, value: Any = None) -> Deferred[Any]:
        asked.append(word)
        return ask(word, value)

    monkeypatch.setattr(one.channel, "ask", heard)
    done: list[None] = []
    for _ in range(50):
        program.workers.refreshed().addCallback(done.append)
    program.loop.turn(lambda: len(done) == 50)
    assert asked.count("figures") <= 2


def test_news_reach_all(program: Crews, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, object]] = []
    for index in range(2):
        monkeypatch.setattr(
            program.one(index).channel, "tell", lambda word, value=None: told.append((word, value))
        )
    program.workers.verdict("127.0.0.1:1", "alive", True)
    program.workers.verdict("127.0.0.1:2", "alive", None)
    program.loop.quiet()
    program.workers.wake()
    program.workers._room(0, "web")
    program.workers.reopen()
    program.workers.cut("are cut")
    verdicts = [("127.0.0.1:1", "alive", True), ("127.0.0.1:2", "alive", None)]
    assert told == [
        *[("verdicts", verdicts)] * 2, *[("room", "")] * 2, ("room", "web"), *[("reopen", None)] * 2,
        *[("cut", "are cut")] * 2,
    ]  # fmt: skip
    monkeypatch.undo()


def test_an_address_that_another_program_has_is_served_when_that_lets_it_go(
    tmp_path: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with crews(tmp_path, origin.port, monkeypatch, listen=f", 127.0.0.1:{port}") as program:
            assert program.fetch(program.port).startswith(b"HTTP/1.1 200 ")
            [(service, address, why)] = program.workers.unopened()
            assert (service, address) == ("www", f"127.0.0.1:{port}")
            assert "in use" in why
            program.workers._open()
            assert len(program.workers.unopened()) == 1
            other.close()
            program.workers._open()
            assert program.workers.unopened() == []
            assert program.fetch(port).startswith(b"HTTP/1.1 200 ")


def test_another_program_is_left_the_sockets_and_clients_are_let_end(program: Crews) -> None:
    left = program.workers.bequest()
    assert list(left) == [f"l7 127.0.0.1 {program.port} {number}" for number in range(2)]
    with (
        socket.create_connection(("127.0.0.1", program.port)) as client,
        socket.socket(fileno=os.dup(left[f"l7 127.0.0.1 {program.port} 0"])),
    ):
        client.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        program.loop.turn(lambda: select.select([client], [], [], 0)[0])
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
        program.workers.let_go()
        program.workers.go_on()
        assert program.fetch(program.port).startswith(b"HTTP/1.1 200 ")
        program.workers.let_go()
        program.workers.stop(2.0)
        client.sendall(GET)
        program.loop.turn(lambda: select.select([client], [], [], 0)[0])
        assert b"Connection: close" in client.recv(65536), "the last one"

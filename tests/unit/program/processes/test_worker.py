"""The program of a worker, told what to do over its channel; its clients and servers are real."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve

from director.model.http import L7Service
from director.model.pools import Address
from director.program.processes.worker import WorkerProgram
from director.registry.changes import plan
from tests.support.control import Control, controlled
from tests.support.origin import Origin
from tests.support.running import free_port


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as found:
        yield found


@pytest.fixture
def control(tmp_path: Path, origin: Origin) -> Iterator[Control]:
    with controlled(tmp_path, origin) as made:
        yield made


def test_it_serves_what_it_was_told_and_says_what_it_counted(control: Control) -> None:
    assert control.fetch().startswith(b"HTTP/1.1 200 ")
    told = control.ask("figures")
    counts = {tuple(one[:3]): one[3] for one in told["counts"]}
    assert counts["server", "web", "a"][1] == counts["service", "l7:www", ""][1] == 1
    assert told["process"]["traces"] == 1
    [trace] = control.ask("traces", 10)
    assert trace["id"].startswith("abc01-")
    assert control.ask("trace", trace["id"]) == trace
    assert control.ask("trace", "nobody") is None
    assert control.ask("beat") is True


def test_what_was_prepared_can_be_forgotten(control: Control) -> None:
    second = Address("127.0.0.1", free_port())
    more = evolve(control.read, l7=(*control.read.l7, L7Service("more", (second,), pool="web")))
    control.hand(second)
    control.prepare(*plan(control.read, more))
    control.ask("abandon")
    for sock in control.open[1:]:
        sock.close()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", second.port)) != 0
    with pytest.raises(Exception, match="nothing was prepared"):
        control.commit()
    assert control.fetch().startswith(b"HTTP/1.1 200 ")


def test_its_lines_are_in_the_one_log_also_after_that_was_rotated(control: Control) -> None:
    control.fetch()
    control.ask("traces", 1)
    log = control.folder / "access.log"
    control.loop.turn(log.exists)
    control.loop.turn(lambda: b"/x" in log.read_bytes())
    log.rename(control.folder / "old.log")
    assert control.ask("reopen") is True
    control.fetch()
    control.ask("traces", 1)
    control.loop.turn(lambda: log.exists() and log.read_bytes().count(b"\n") == 1)


def test_it_has_an_answer_for_each_word() -> None:
    assert all(callable(getattr(WorkerProgram, f"_{word}")) for word in WorkerProgram.words)

"""What every process that follows does: begin, follow, tell, end, serve on alone; shown with a worker."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve

from director.model.http import L7Service
from director.model.pools import Address, State
from director.registry.changes import Ordered, plan
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


def test_a_change_counts_when_it_is_committed(control: Control) -> None:
    second = Address("127.0.0.1", free_port())
    more = evolve(control.read, l7=(*control.read.l7, L7Service("more", (second,), pool="web")))
    changes = plan(control.read, more)
    control.hand(second)
    control.prepare(*changes)
    control.registry.apply(changes, "ops", 0.0, 0.0)
    assert "l7:more" not in control.program._replica.registry.services
    control.commit()
    assert control.fetch(second.port).startswith(b"HTTP/1.1 200 ")


def test_what_does_not_hold_is_refused_in_words(control: Control) -> None:
    with pytest.raises(Exception, match="No such pool: gone"):
        control.prepare(Ordered("gone", "a", State.DRAIN))


def test_verdicts_and_room_reach_those_who_choose(control: Control) -> None:
    checked = evolve(control.read, pools=(evolve(control.read.pools[0], checks=()),))
    registry = control.program._replica.registry
    assert checked == control.read
    control.ask("verdicts", [[f"{registry.pools['web'].servers[0].key}", "alive", False]])
    assert registry.verdicts() == [(registry.pools["web"].servers[0].key, "alive", False)]
    control.ask("verdicts", [[registry.pools["web"].servers[0].key, "alive", None]])
    assert registry.verdicts() == []
    control.ask("room", "web")


def test_it_ends_when_it_is_told_and_takes_nobody_new(control: Control) -> None:
    control.ask("stop", 5.0)
    control.loop.turn(lambda: control.reactor.stopped)


def test_it_serves_on_alone_and_retires_for_the_next_control_process(control: Control) -> None:
    control.channel.close()
    control.loop.turn(lambda: not control.program.channel.open)
    assert control.fetch().startswith(b"HTTP/1.1 200 ")
    [path] = control.folder.glob("worker-*.sock")
    with socket.socket(socket.AF_UNIX) as heir:
        heir.connect(str(path))
        heir.sendall(b"retire 5\n")
        control.loop.turn(lambda: control.reactor.stopped)


def test_a_signal_to_end_counts_only_when_nobody_else_says_when(control: Control) -> None:
    control.program.stop_by_signal()
    control.loop.quiet()
    assert not control.reactor.stopped
    control.channel.close()
    control.loop.turn(lambda: not control.program.channel.open)
    control.program.stop_by_signal()
    control.loop.turn(lambda: control.reactor.stopped)

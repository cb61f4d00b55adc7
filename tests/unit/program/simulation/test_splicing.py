from __future__ import annotations

from typing import Any

import pytest

from director.l7.io.pipes import PIPES
from director.program.simulation.loop import SimulatedLoop
from director.program.simulation.sockets import Cable, End


def pair(loop: SimulatedLoop, port: int) -> tuple[End, End]:
    found: list[Any] = []
    doorway = loop.network.listen(("127.0.0.1", port))
    loop.network.call(("127.0.0.1", port), "192.0.2.1", Cable(), found.append)
    loop.run(loop.seconds() + 1.0)
    return found[0], doorway.accept()[0]


def test_octets_go_from_one_connection_to_another() -> None:
    loop = SimulatedLoop()
    sender, source = pair(loop, 80)
    target, receiver = pair(loop, 81)
    assert loop.pipes.draw(source.number, 100) is None, "nothing is here"
    sender.send(b"x" * 50_000)
    loop.run(loop.seconds() + 1.0)
    pipe = loop.pipes.draw(source.number, 40_000)
    assert pipe is not None
    assert len(pipe) == 40_000
    assert pipe.empty_into(target.number) == 40_000
    pipe.give_back()
    loop.run(loop.seconds() + 1.0)
    assert (source.held, receiver.held, loop.pipes.lent) == (10_000, 40_000, 0)


def test_what_is_not_taken_stays_in_the_pipe() -> None:
    loop = SimulatedLoop()
    sender, source = pair(loop, 80)
    target, _ = pair(loop, 81)
    sender.send(b"x" * 65_536)
    target.send(b"y" * 30_000)
    loop.run(loop.seconds() + 1.0)
    pipe = loop.pipes.draw(source.number, 65_536)
    assert pipe is not None
    assert pipe.empty_into(target.number) == 35_536
    assert pipe.size == 30_000
    with pytest.raises(BlockingIOError):
        pipe.empty_into(target.number)
    pipe.give_back()
    assert loop.pipes.lent == 0


def test_there_are_so_many_and_no_more() -> None:
    loop = SimulatedLoop()
    lent = [loop.pipes.borrow() for _ in range(PIPES)]
    assert None not in lent
    assert loop.pipes.borrow() is None


def test_a_reset_is_told_to_who_draws() -> None:
    loop = SimulatedLoop()
    sender, source = pair(loop, 80)
    sender.abort()
    loop.run(loop.seconds() + 1.0)
    with pytest.raises(ConnectionResetError):
        loop.pipes.draw(source.number, 100)
    assert loop.pipes.lent == 0

from __future__ import annotations

import os
import socket

from director.model.pools import Address
from director.model.settings import Configuration, Demo
from director.program.demos import Demos
from tests.support.candidates import candidate
from tests.support.loops import loop_of
from tests.support.running import free_port


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_they_come_and_go_with_the_configuration() -> None:
    first, second = (Demo(name, Address("127.0.0.1", free_port())) for name in ("red", "blue"))
    with loop_of() as loop:
        part = Demos(loop.reactor)
        part.commit(candidate(Configuration(demos=(first,))))
        assert not answers(first.listen.port), "not before the start"
        part.start()
        assert answers(first.listen.port)
        part.commit(candidate(Configuration(demos=(second,))))
        loop.quiet()
        assert (answers(first.listen.port), answers(second.listen.port)) == (False, True)
        done: list[None] = []
        part.stop(0.0).addCallback(done.append)
        loop.turn(lambda: done)
        assert not answers(second.listen.port)


def test_another_program_goes_on_with_its_socket() -> None:
    demo = Demo("red", Address("127.0.0.1", free_port()))
    with loop_of() as loop:
        first = Demos(loop.reactor)
        first.commit(candidate(Configuration(demos=(demo,))))
        first.start()
        left = {name: socket.socket(fileno=os.dup(number)) for name, number in first.bequest().items()}
        second = Demos(loop.reactor, lambda address: left.pop(f"demo {address}", None))
        second.commit(candidate(Configuration(demos=(demo,))))
        assert left == {}
        second.start()
        first.let_go()
        first.go_on()
        first.let_go()
        first.stop(0.0)
        assert answers(demo.listen.port)
        second.stop(0.0)
        loop.quiet()
        first.go_on()
        first.stop(0.0)
        loop.quiet()
        assert not answers(demo.listen.port)

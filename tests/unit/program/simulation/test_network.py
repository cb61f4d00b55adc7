from __future__ import annotations

import errno
import socket
from typing import Any

from director.program.simulation.loop import SimulatedLoop
from director.program.simulation.network import ACCEPT, REFUSE, SILENCE
from director.program.simulation.sockets import Cable, End


class Venue:
    def __init__(self, how: str) -> None:
        self.how = how
        self.ends: list[End] = []

    def called(self) -> str:
        return self.how

    def came(self, end: End) -> None:
        self.ends.append(end)


def outcome(how: str | None) -> tuple[int, bool]:
    """(SO_ERROR, connected) of a connect of the director's."""
    loop = SimulatedLoop()
    loop.network.wires = Cable
    if how is not None:
        loop.network.places["10.0.0.1", 80] = Venue(how)
    end = loop.socket(socket.AF_INET, socket.SOCK_STREAM)
    assert end.connect_ex(("10.0.0.1", 80)) == errno.EINPROGRESS
    loop.run(5.0)
    return end.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), end.writable


def test_a_connect_ends_as_the_server_says() -> None:
    assert outcome(ACCEPT) == (0, True)
    assert outcome(REFUSE) == (errno.ECONNREFUSED, False)
    assert outcome(None) == (errno.ECONNREFUSED, False)
    assert outcome(SILENCE) == (0, False)


def test_who_calls_where_nobody_listens_hears_of_it() -> None:
    loop = SimulatedLoop()
    found: list[Any] = []
    loop.network.call(("127.0.0.1", 80), "192.0.2.1", Cable(), found.append)
    loop.run(1.0)
    assert found == [None]


def test_a_doorway_that_closes_lets_nobody_wait() -> None:
    loop = SimulatedLoop()
    doorway = loop.network.listen(("127.0.0.1", 80))
    found: list[Any] = []
    loop.network.call(("127.0.0.1", 80), "192.0.2.1", Cable(), found.append)
    loop.run(1.0)
    assert doorway.readable
    assert loop.network.own_ends(), "the kernel has answered"
    doorway.close()
    loop.run(2.0)
    assert found[0].broken
    assert not loop.network.own_ends()
    assert not loop.network.doorways

from __future__ import annotations

from collections.abc import Sequence

import pytest
from zope.interface.verify import verifyObject

from director.interfaces import IScheduler, IServer
from director.scheduling.base import Scheduler
from director.scheduling.fallback import Otherwise
from director.scheduling.hash import RendezvousHash
from director.scheduling.wlc import WeightedLeastConnections
from tests.unit.scheduling.fakes import KEY, Key, Server, many


class Recorder(Scheduler):
    def __init__(self, name: str, lived: list[str], refuses: bool = False) -> None:
        super().__init__()
        self.name, self.lived, self.refuses = name, lived, refuses

    def start(self, service: str, servers: Sequence[IServer]) -> None:
        self.lived.append(f"{self.name} start")
        if self.refuses:
            raise ValueError(self.name)

    def server_added(self, server: IServer) -> None:
        self.lived.append(f"{self.name} added")

    def server_removed(self, server: IServer) -> None:
        self.lived.append(f"{self.name} removed")

    def server_updated(self, server: IServer) -> None:
        self.lived.append(f"{self.name} updated")

    def stop(self) -> None:
        self.lived.append(f"{self.name} stop")


def test_the_second_is_asked_when_the_first_has_no_answer() -> None:
    first, second = RendezvousHash("cookie sid"), WeightedLeastConnections()
    first.name, second.name = "hash(cookie sid)", "wlc"
    both = Otherwise(first, second)
    assert verifyObject(IScheduler, both)
    pool = many(6)
    both.start("l7:www", pool)
    sticky = Key(facts={"cookie sid": "x"})
    own = both.choose(pool, sticky, 0.0)
    assert isinstance(own, Server)
    assert both.name == "hash(cookie sid)"
    own.active = 5
    assert both.choose(pool, sticky, 0.0) is own
    for server in pool[:5]:
        server.active += 1
    assert both.choose(pool, KEY, 0.0) is pool[5]
    assert both.name == "wlc"
    assert ("s5", "wlc: load 0/1 = 0") in both.explain(pool, KEY, 0.0)
    assert ("s5", "hash(cookie sid): the request has nothing to hash") in both.explain(pool, KEY, 0.0)


def test_both_live_the_same_life() -> None:
    lived: list[str] = []
    both = Otherwise(Recorder("x", lived), Recorder("y", lived))
    server = Server("a")
    both.start("l7:www", ())
    both.server_added(server)
    both.server_updated(server)
    both.server_removed(server)
    both.stop()
    assert lived == [
        f"{who} {what}" for what in ("start", "added", "updated", "removed", "stop") for who in "xy"
    ]


def test_when_the_second_refuses_the_first_is_stopped() -> None:
    lived: list[str] = []
    both = Otherwise(Recorder("x", lived), Recorder("y", lived, refuses=True))
    with pytest.raises(ValueError, match="y"):
        both.start("l7:www", ())
    assert lived == ["x start", "y start", "x stop"]

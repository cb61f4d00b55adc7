from __future__ import annotations

from typing import Any

from director.l7.proxy.commands import OpenFaulty
from director.l7.proxy.injected import meets_fault
from director.model.drills import FaultAction, Injected
from director.model.pools import Address, Pool, Server
from director.registry.live import LivePool, RealServer

MET = Injected("a hangs", FaultAction("hang", "hang"))


class Laid:
    """Hits the requests of one id."""

    def meet(self, facts: Any, identity: str) -> Injected | None:
        return MET if identity == "hit" else None


class Trying:
    """One exchange at its try."""

    def __init__(self, identity: str) -> None:
        self.client: Any = self
        self.out: list[Any] = []
        self.stream, self.facts, self.identity = 5, None, identity
        self.met: tuple[tuple[str, str], ...] = ()


def test_a_try_that_is_hit_gets_its_own_connection_and_remembers_it() -> None:
    server = RealServer(Server("a", Address("10.0.0.1", 80)), LivePool(Pool("web")), 0.0)
    server.injected = Laid()
    hit, other = Trying("hit"), Trying("other")
    assert meets_fault(hit, server)
    (command,) = hit.out
    assert isinstance(command, OpenFaulty)
    assert (command.stream, command.target, command.injected) == (5, server, MET)
    assert hit.met == (("web/a", "a hangs"),)
    assert not meets_fault(other, server)
    assert (other.out, other.met) == ([], ())

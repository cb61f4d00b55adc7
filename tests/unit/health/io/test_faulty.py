from __future__ import annotations

from twisted.internet.task import Clock

from director.fault.probing import MetProbe
from director.health.io.faulty import FaultyProbe
from director.registry.evidence import Result


class Told:
    """A probe with a fault of 1.5 s, and what it said."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.said: list[Result | str] = []
        met = MetProbe(1.5, False, "no answer within 1.5s (injected)")
        self.probe = FaultyProbe(
            self.clock, self.clock.seconds, met, self.said.append, lambda: self.said.append("gone")
        )


def test_it_ends_as_the_fault_says() -> None:
    told = Told()
    told.probe.start()
    told.clock.advance(1.0)
    assert told.said == []
    told.clock.advance(0.5)
    assert told.said == [Result(1.5, False, "no answer within 1.5s (injected)", 1.5), "gone"]


def test_one_that_is_given_up_says_nothing() -> None:
    told = Told()
    told.probe.start()
    told.probe.cancel()
    told.clock.advance(5.0)
    assert told.said == ["gone"]

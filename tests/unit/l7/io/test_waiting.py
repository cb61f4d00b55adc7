"""A port that waits for its address."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock

from director.l7.io.listener import BindError
from director.l7.io.waiting import TRY_AGAIN, WaitingPort


class Binding:
    """Fails as often as there are reasons, then gives a socket."""

    def __init__(self, *reasons: str) -> None:
        self.reasons = list(reasons)
        self.socket: Any = object()

    def __call__(self) -> Any:
        if self.reasons:
            raise BindError("cannot listen on x", self.reasons.pop(0))
        return self.socket


def test_it_is_tried_until_the_address_is_free() -> None:
    clock, binding, opened = Clock(), Binding("still in use", "out of memory"), list[Any]()
    port = WaitingPort(clock, binding, "in use", opened.append)
    said = [port.error]
    for _ in range(3):
        clock.advance(TRY_AGAIN)
        said.append(port.error)
    assert said == ["in use", "still in use", "out of memory", "out of memory"]
    assert opened == [binding.socket]
    assert clock.getDelayedCalls() == []
    port.close()


def test_who_does_not_want_it_any_more_is_not_told() -> None:
    clock, opened = Clock(), list[Any]()
    WaitingPort(clock, Binding(), "in use", opened.append).close()
    clock.advance(TRY_AGAIN)
    assert opened == []


def test_it_may_be_another_services_by_then() -> None:
    clock, first, second = Clock(), list[Any](), list[Any]()
    port = WaitingPort(clock, Binding(), "in use", first.append)
    port.opened = second.append
    clock.advance(TRY_AGAIN)
    assert (len(first), len(second)) == (0, 1)

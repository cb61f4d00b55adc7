"""What signals mean."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from director.program.signals import Signals
from tests.support.running import wait_until

ORDERS = [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2]
ENDS = [signal.SIGTERM, signal.SIGINT]


class Loop:
    """Notes what shall be done in a turn."""

    def __init__(self) -> None:
        self.later: list[Callable[[], object]] = []

    def callFromThread(self, work: Callable[[], object]) -> None:
        self.later.append(work)


@pytest.mark.parametrize(
    ("number", "meaning"),
    [
        (signal.SIGHUP, "reload"),
        (signal.SIGUSR1, "reopen"),
        (signal.SIGUSR2, "upgrade"),
        (signal.SIGTERM, "stop False"),
        (signal.SIGINT, "stop True"),
    ],
)
def test_each_is_heard_in_a_turn_of_the_loop(number: signal.Signals, meaning: str) -> None:
    before = {one: signal.getsignal(one) for one in (*ORDERS, *ENDS)}
    loop: Any = Loop()
    heard: list[str] = []

    def order(word: str) -> Callable[[], object]:
        return lambda: heard.append(word)

    def stop(*, in_person: bool = False) -> None:
        heard.append(f"stop {in_person}")

    try:
        signals = Signals(loop, order("reload"), order("reopen"), order("upgrade"), stop)
        signals.listen()
        assert [signal.getsignal(one) for one in ENDS] == [before[one] for one in ENDS]
        signals.listen_to_ends()
        os.kill(os.getpid(), number)
        assert wait_until(lambda: loop.later)
        assert heard == []
        loop.later[0]()
        assert heard == [meaning]
    finally:
        for one, old in before.items():
            signal.signal(one, old)

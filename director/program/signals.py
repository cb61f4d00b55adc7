"""What signals mean (composition)."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any, Protocol


class Stop(Protocol):
    """Ends the program; `in_person` when a person does not want to wait."""

    def __call__(self, *, in_person: bool = False) -> object:
        """Begin to."""


class Signals:
    """Each is heard in a turn of the loop."""

    def __init__(
        self,
        reactor: Any,
        reload: Callable[[], object],
        reopen: Callable[[], object],
        upgrade: Callable[[], object],
        stop: Stop,
    ) -> None:
        self._later = reactor.callFromThread
        self._orders = {signal.SIGHUP: reload, signal.SIGUSR1: reopen, signal.SIGUSR2: upgrade}
        self._stop = stop

    def listen(self) -> None:
        """From before the first address is bound: unheard, each of them would end the process."""
        for number, order in self._orders.items():
            self._on(number, order)

    def listen_to_ends(self) -> None:
        """The reactor sets its own for these when it begins to run."""
        self._on(signal.SIGTERM, self._stop)
        self._on(signal.SIGINT, lambda: self._stop(in_person=True))

    def _on(self, number: signal.Signals, order: Callable[[], object]) -> None:
        signal.signal(number, lambda *_: self._later(order))

"""A listener whose address another program has: it is tried again until that lets it go.

A standby starts while what it will replace still listens, and must serve the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from socket import socket
from typing import Any

from director.l7.io.listener import BindError

TRY_AGAIN = 2.0
"""Seconds between two tries."""


class WaitingPort:
    """Stands where a `Listener` will, and has the figures of one.

    Attributes:
        error: why it is not open.
        opened: gets the socket when it is bound; after that this port is done.
    """

    def __init__(
        self, reactor: Any, bind: Callable[[], socket], error: str, opened: Callable[[socket], None]
    ) -> None:
        """`bind` gives a listening socket, or raises BindError."""
        self.accepted = 0
        self.pauses = 0
        self.error = error
        self.opened = opened
        self._reactor, self._bind = reactor, bind
        self._again = reactor.callLater(TRY_AGAIN, self._try)

    def _try(self) -> None:
        try:
            sock = self._bind()
        except BindError as error:
            self.error = error.why
            self._again = self._reactor.callLater(TRY_AGAIN, self._try)
        else:
            self._again = None
            self.opened(sock)

    def close(self) -> None:
        """Wait no longer."""
        if self._again is not None:
            self._again.cancel()
            self._again = None

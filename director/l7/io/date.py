"""The Date line of answers that nobody else has dated (RFC 9110 5.6.7, 6.6.1), made once a second."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class DateLine:
    """Gives the line of now; `clock` is the wall clock."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._second = -1
        self._line = b""

    def __call__(self) -> bytes:
        """`Date: Sun, 06 Nov 1994 08:49:37 GMT` and the end of the line."""
        second = int(self._clock())
        if second != self._second:
            self._second = second
            self._line = f"Date: {formatdate(second, usegmt=True)}\r\n".encode("ascii")
        return self._line

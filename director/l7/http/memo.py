"""Remembering what octets from the network mean, with bounded memory.

`caches.remember` bounds how many answers are kept, not how large they are: a client that sends a few
hundred long values, each only once, would fill hundreds of megabytes for good.  What is repeated is short.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Final, TypeVar

from director.caches import remember

if TYPE_CHECKING:
    from collections.abc import Callable

_Result = TypeVar("_Result")

HEAD_LIMIT: Final = 2048
"""Octets of a head, or of a part of it, that are remembered; larger ones carry what nobody repeats."""
VALUE_LIMIT: Final = 256
"""Octets of one field value; longer ones are worked out each time."""


def memo(name: str, size: int) -> Callable[[Callable[[bytes], _Result]], Callable[[bytes], _Result]]:
    """Decorator: `remember` the results of a pure function for the last `size` short values."""

    def decorate(function: Callable[[bytes], _Result]) -> Callable[[bytes], _Result]:
        remembered = remember(name, size)(function)

        @wraps(function)
        def recall(value: bytes) -> _Result:
            return remembered(value) if len(value) <= VALUE_LIMIT else function(value)

        return recall

    return decorate

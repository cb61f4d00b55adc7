"""What a store is: where the overlay and the generations of one director live.

The embedded one is `file`.  The program knows this protocol alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.internet.defer import Deferred

from director.store.kept import Kept


class Store(Protocol):
    """Keeps one `Kept`."""

    def load(self) -> Kept:
        """What an earlier run kept; an empty one with a new nonce when there was none.

        Raises StoreError with a sentence that says what became of what cannot be used.
        """

    def save(self, kept: Kept) -> Deferred[None]:
        """Make it what the next start loads.  Fires when that is so; fails with StoreError."""

    def watch(self, changed: Callable[[Kept], None]) -> Callable[[], None]:
        """Be told of what others keep here; call the result to be told no more."""

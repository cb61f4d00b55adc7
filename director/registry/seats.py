"""The clients of one service, counted against a limit before they are accepted."""

from __future__ import annotations


class Seats:
    """The clients of a service against its `max_connections`; `mapped` has those of all processes."""

    __slots__ = ("_taken",)

    def __init__(self) -> None:
        self._taken = 0

    @property
    def taken(self) -> int:
        """How many there are."""
        return self._taken

    def take(self, most: int) -> bool:
        """One more, if there are fewer than `most`; 0 is no limit."""
        if most and self._taken >= most:
            return False
        self._taken += 1
        return True

    def move(self, count: int) -> None:
        """So many more (or fewer), room or not."""
        self._taken += count

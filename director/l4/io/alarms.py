"""What is wrong with layer 4 now, and what of it is news.

Pure.  Ports, capture and the director write; `/readyz` reads what is wrong, the log what changed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from attrs import frozen

NEWS = 256
"""Changes kept until somebody asks; a lost network is one for each server."""


@frozen
class AlarmChange:
    """A trouble that began, or one that is over after so many `seconds`."""

    text: str
    seconds: float | None = None


class Troubles(dict[str, str]):
    """One sentence for each object that is in trouble.

    `setdefault` is for what is wrong at a start only because it has just begun: that is no news, nor is
    its end.  A sentence that takes another's place is news, and the other is forgotten.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives monotonic seconds."""
        super().__init__()
        self._clock = clock
        self._since: dict[str, float] = {}
        self._news: deque[AlarmChange] = deque()
        self._unkept = 0

    def __setitem__(self, key: str, text: str) -> None:
        """`key` is in trouble."""
        if self.get(key) != text or key not in self._since:
            self._since.setdefault(key, self._clock())
            self._note(AlarmChange(text))
        super().__setitem__(key, text)

    def over(self, key: str) -> None:
        """`key` is well; that it was well before is no news."""
        text, since = self.pop(key, ""), self._since.pop(key, None)
        if since is not None:
            self._note(AlarmChange(text, self._clock() - since))

    def since(self) -> dict[str, float]:
        """When each sentence's object got into trouble, in seconds of the clock."""
        return {text: self._since[key] for key, text in self.items() if key in self._since}

    def news(self) -> tuple[list[AlarmChange], int]:
        """What changed since the last call, oldest first, and how many more changes were not kept."""
        found, unkept = list(self._news), self._unkept
        self._news.clear()
        self._unkept = 0
        return found, unkept

    def _note(self, change: AlarmChange) -> None:
        if len(self._news) < NEWS:
            self._news.append(change)
        else:
            self._unkept += 1

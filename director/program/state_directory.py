"""The directory of runtime state as a part: there before all others, given back after them (composition)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from director.admin.service import SOCKET_FILE
from director.program.parts import Part
from director.store.io.place import Owner, Place

NAME = "state_dir"
"""In a bequest."""


class StateDirectory(Part):
    """`state_dir` while the director runs.

    `owner` is who the process will be (`twistd --uid`), None when it stays who it is; `inherited` has
    what the program before left by its name.
    """

    def __init__(
        self,
        path: Path,
        owner: Owner | None = None,
        inherited: Callable[[str], int | None] = lambda _name: None,
    ) -> None:
        self._place = Place(path, owner)
        self._inherited = inherited

    def take(self) -> None:
        """Have it alone, and free of what a killed run left.  Raises StoreError that says what to do.

        With a director that leaves its own to this one it is shared until that has ended.
        """
        left = self._inherited(NAME)
        if left is not None and self._place.keep(left):
            return
        self._place.take()
        self._place.forget_socket(SOCKET_FILE)

    def bequest(self) -> Mapping[str, int]:
        """The lock."""
        return {} if self._place.descriptor is None else {NAME: self._place.descriptor}

    def stop(self, grace: float) -> None:
        """Let another director have it."""
        self._place.leave()

"""The directory of runtime state as a part: there before all others, given back after them (composition)."""

from __future__ import annotations

from pathlib import Path

from director.admin.service import SOCKET_FILE
from director.program.parts import Part
from director.store.io.place import Owner, Place


class StateDirectory(Part):
    """`state_dir` while the director runs.

    `owner` is who the process will be (`twistd --uid`), None when it stays who it is.
    """

    def __init__(self, path: Path, owner: Owner | None = None) -> None:
        self._place = Place(path, owner)

    def take(self) -> None:
        """Have it alone, and free of what a killed run left.  Raises StoreError that says what to do."""
        self._place.take()
        self._place.forget_socket(SOCKET_FILE)

    def stop(self, grace: float) -> None:
        """Let another director have it."""
        self._place.leave()

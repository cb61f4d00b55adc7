"""The pid file that twistd keeps, while a new program takes an old one's place.

twistd would not start beside the process that the file names, and removes the file when it ends, whoever is
named by then.  So it is told of no file until that is right.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from twisted.logger import Logger

from director.store.io.file import replace

KEY = "pidfile"

_log = Logger(namespace="director")


class PidFile:
    """twistd's, by its options; without a file, and without twistd, nothing is done."""

    def __init__(self, options: MutableMapping[str, Any] | None = None) -> None:
        self._options: MutableMapping[str, Any] = options if options is not None else {}
        self._path = ""

    def put_off(self) -> None:
        """Another process is named there, and is still right; twistd shall not look."""
        path = self._options.get(KEY)
        self._path = str(Path(path).absolute()) if path else ""
        self.give_up()

    def give_up(self) -> None:
        """It is another's from now on: it stays when this process ends."""
        if KEY in self._options:
            self._options[KEY] = ""

    def take(self) -> None:
        """Name this process there; it goes with it."""
        if not self._path:
            return
        content = str(os.getpid()).encode()
        try:
            self._write(Path(self._path), content)
        except OSError as error:
            _log.warn(
                "{path} names the process before this one, {pid}, and cannot be written: {why}. Let the "
                "director's user write it",
                path=self._path,
                pid=os.getpid(),
                why=error.strerror,
            )
            return
        self._options[KEY] = self._path

    @staticmethod
    def _write(path: Path, content: bytes) -> None:
        try:
            replace(path, content, 0o644, sync=False)
        except OSError:
            # Its folder may be root's, as /run is.
            path.write_bytes(content)

"""A configuration from texts: no file system, no environment of the machine."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping

from director.config.loaded import Loaded, load_from
from director.config.text.sources import World


def read_ini(
    text: str | bytes,
    files: Mapping[str, str | bytes] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Loaded:
    """Load `text` as `etc/main.ini`, beside other files by path."""
    held = {"etc/main.ini": text, **(files or {})}

    def content(path: str) -> bytes:
        if path not in held:
            raise FileNotFoundError(2, "No such file or directory", path)
        found = held[path]
        return found.encode() if isinstance(found, str) else found

    def find(pattern: str) -> list[str]:
        return [path for path in reversed(held) if fnmatch.fnmatch(path, pattern)]

    return load_from("etc/main.ini", World(content, find, environ or {}))

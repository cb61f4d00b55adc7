"""A configuration from texts: no file system, no environment of the machine."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping

import pytest

from director.config.loaded import Loaded, load_from
from director.config.sources import World

Reader = Callable[..., Loaded]


@pytest.fixture
def read_ini() -> Reader:
    """`read_ini(text, files={path: content}, environ={})` loads `etc/main.ini`."""

    def read(
        text: str | bytes,
        files: Mapping[str, str | bytes] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Loaded:
        held = {"etc/main.ini": text, **(files or {})}

        def content(path: str) -> bytes:
            if path not in held:
                raise FileNotFoundError(2, "No such file or directory", path)
            found = held[path]
            return found.encode() if isinstance(found, str) else found

        def find(pattern: str) -> list[str]:
            return [path for path in reversed(held) if fnmatch.fnmatch(path, pattern)]

        return load_from("etc/main.ini", World(content, find, environ or {}))

    return read

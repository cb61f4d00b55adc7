"""The configuration from real files and the real environment: what the program and `director check` call."""

from __future__ import annotations

import errno
import glob
import os
import stat
from collections.abc import Mapping

from director.config.loaded import Loaded, load_from
from director.config.parse.schedulers import BUILT_IN, SchedulerFacts
from director.config.text.messages import Problem
from director.config.text.reader import LARGEST
from director.config.text.sources import World
from director.model.settings import Configuration


def load(
    path: str | os.PathLike[str],
    *,
    environ: Mapping[str, str] | None = None,
    known: Mapping[str, SchedulerFacts] = BUILT_IN,
    content: bytes | None = None,
) -> Loaded:
    """Read, check and build the configuration at `path`; nothing is raised for what is wrong in it.

    `environ` None = the process's own; `known` are the schedulers that the catalogue found.  With
    `content` that is what `path` holds, and no file need be there (standard input, an editor's buffer).
    """
    top = os.fspath(path)

    def look(asked: str) -> bytes:
        return read(asked) if content is None or asked != top else content

    return load_from(top, World(look, find, os.environ if environ is None else environ), known)


def check(
    path: str | os.PathLike[str],
    *,
    environ: Mapping[str, str] | None = None,
    known: Mapping[str, SchedulerFacts] = BUILT_IN,
) -> tuple[Configuration | None, tuple[Problem, ...]]:
    """The core of `director check`; print with `messages.render`, end with `messages.exit_code`."""
    loaded = load(path, environ=environ, known=known)
    return loaded.configuration, loaded.problems


def read(path: str) -> bytes:
    """The content of a regular file, one byte beyond the largest allowed at most; raises OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        return file.read(LARGEST + 1)


def find(pattern: str) -> list[str]:
    """Paths that match a pattern."""
    return glob.glob(pattern)  # noqa: PTH207 - patterns may be absolute

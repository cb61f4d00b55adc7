"""The file that flows are kept in between two runs (`l4.saved` has its lines).

It is read once and removed: flows of a run before the last are nobody's.  What others could have written is
not read at all, because a flow tells where a client's packets go.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from director.errors import StoreError
from director.l4.saved import LONGEST_LINE

FLOW_FILE = "l4-flows.jsonl"
_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def write(state_dir: Path, lines: Iterable[str]) -> None:
    """Replace the file, for the owner alone.  Raises OSError."""
    place = state_dir / FLOW_FILE
    fresh = place.with_suffix(f".{os.getpid()}.tmp")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.writelines(f"{line}\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(place)
    except OSError:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise


@contextlib.contextmanager
def reading(state_dir: Path, limit: int) -> Iterator[Iterator[str] | None]:
    """The lines of the file, at most `limit` of them; None when there is none.  It is gone afterwards.

    Raises OSError, and StoreError when it is not of this user alone.
    """
    place = state_dir / FLOW_FILE
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        yield None
        return
    try:
        with os.fdopen(descriptor, encoding="ascii", errors="replace") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or found.st_mode & _OTHERS or found.st_uid != os.geteuid():
                raise StoreError(
                    f"{place} is not read, because others could have written it; flows of the run before are "
                    "lost. Let nobody but the director's user write to state_dir"
                )
            yield itertools.islice(iter(lambda: file.readline(LONGEST_LINE + 1), ""), limit)
    finally:
        with contextlib.suppress(OSError):
            place.unlink()

"""Facts about the own process, read from Linux's /proc; None where the system does not tell.

The composition root calls `facts` in its `Control.process`.
"""

from __future__ import annotations

import os
import resource
from pathlib import Path

from director.admin.control import Process

PROC = Path("/proc/self")


def facts(version: str, started: float, stalls: int = 0, worst_stall: float = 0.0) -> Process:
    """Read memory and descriptors now; the rest is passed through."""
    return Process(version, started, rss(), fds(), max_fds(), stalls, worst_stall)


def rss() -> int | None:
    """Resident bytes."""
    try:
        return int((PROC / "statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None


def fds() -> int | None:
    """Open descriptors, without the one that counts them."""
    try:
        return sum(1 for _ in (PROC / "fd").iterdir()) - 1
    except OSError:
        return None


def max_fds() -> int | None:
    """The limit of descriptors, or None for none."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft

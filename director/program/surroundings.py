"""What the process needs of its surroundings before it serves (composition)."""

from __future__ import annotations

import codecs
import resource

from director.admin import files


def load_early() -> None:
    """What Python would read from its own folder later: after `twistd --uid` that may be out of reach."""
    files.load()
    for name in ("ascii", "latin-1", "utf-8-sig", "idna"):
        codecs.lookup(name)


def raise_descriptor_limit() -> None:
    """Use all descriptors that the system allows this process anyway."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

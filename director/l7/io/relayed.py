"""How octets left for clients and servers: moved by the kernel, copied through this process, or in TLS.

Each stream counts what left through it, so a message costs nothing more.  Here those of connections that are
gone are summed up, and those of the open ones added when somebody asks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from director.l7.io.tls_stream import TLSStream

WAYS = ("splice", "copy", "tls")
"""By splice(2); by a read and a write; encrypted here, and therefore copied, too."""


class Relayed:
    """The octets of one process."""

    def __init__(self) -> None:
        self._gone: Counter[str] = Counter(dict.fromkeys(WAYS, 0))

    def gone(self, stream: Any) -> None:
        """A connection is over."""
        _count(self._gone, stream)

    def octets(self, streams: Iterable[Any]) -> dict[str, int]:
        """All up to now, by their way; `streams` are those still open."""
        counts = Counter(self._gone)
        for stream in streams:
            _count(counts, stream)
        return dict(counts)


def _count(counts: Counter[str], stream: Any) -> None:
    if isinstance(stream, TLSStream):
        counts["tls"] += stream.progress
    else:
        counts["splice"] += stream.spliced
        counts["copy"] += stream.progress - stream.spliced

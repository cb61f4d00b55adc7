"""`tcp = connect`: alive when the connect succeeds; nothing is said."""

from __future__ import annotations

from director.health.probes.base import Judgement


class TcpProbe:
    """Judged before the first octet."""

    judgement: Judgement | None = None
    enough = resets = True

    def begin(self) -> bytes:
        """The server accepted."""
        self.judgement = True, "connected"
        return b""

    def feed(self, data: bytes) -> bytes:
        """What a server says by itself does not matter."""
        return b""

    def closed(self) -> Judgement:
        """It accepted all the same."""
        return self.judgement or (False, "the connection was closed")

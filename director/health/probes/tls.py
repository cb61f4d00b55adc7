"""`tls = handshake`: a connection that TLS can be spoken on, by a server that is who it shall be.

What verifies chain and name is the shell's OpenSSL; here is what its answer means, also for `https` and
`grpc`, and whether the certificate is good for as long as `expect = days > N` wants.
"""

from __future__ import annotations

from attrs import frozen

from director.health.probes.base import Judgement
from director.model.pools import Check

_DAY = 86400.0


@frozen
class Handshake:
    """What came of one: the version, and the seconds that the server's certificate lasts yet."""

    version: str
    lasts: float | None


def judge(check: Check, made: Handshake) -> Judgement:
    """How a handshake went that OpenSSL was content with."""
    if made.lasts is None:
        return check.days is None, f"{made.version}, no certificate"
    days = made.lasts / _DAY
    if days < 0:
        text = f"the certificate ended {-days:.1f} days ago"
        return check.days is None, f"{made.version}, {text}"
    text = f"the certificate lasts {days:.1f} days"
    if check.days is not None and days < check.days:
        return False, f"{text}, expected {check.days:g}"
    return True, f"{made.version}, {text}"


class TlsProbe:
    """Judged by the handshake, before anything is said.

    Attributes:
        said: what `judge` said of the handshake; the shell puts it here before it begins.
    """

    judgement: Judgement | None = None
    enough = resets = True
    said = "a handshake"

    def begin(self) -> bytes:
        """The handshake is over and was good."""
        self.judgement = True, self.said
        return b""

    def feed(self, data: bytes) -> bytes:
        """What a server says by itself does not matter."""
        return b""

    def closed(self) -> Judgement:
        """It closed: behind the handshake that is its right."""
        return self.judgement or (False, "the connection was closed in the handshake")

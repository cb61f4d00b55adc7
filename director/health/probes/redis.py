"""`redis = ping`: PING in the RESP protocol, and PONG.

A server that wants a password first answers `-NOAUTH`: it serves those who have one, and counts as alive.
One that still loads its data (`-LOADING`), lost its master or is out of memory says so, and is not.
"""

from __future__ import annotations

from director.health.probes.base import TalkProbe, shown

PING = b"*1\r\n$4\r\nPING\r\n"


class RedisProbe(TalkProbe):
    """One PING."""

    question = PING

    def read(self) -> bytes:
        """A line that begins with + or -; anything else is no redis."""
        line, end, _ = self.answer.partition(b"\r\n")
        if self.answer[:1] not in (b"+", b"-"):
            self.judgement = False, f"not a redis answer: {shown(self.answer)}"
        elif end:
            if line == b"+PONG":
                self.judgement = True, "PONG"
            elif line.startswith(b"-NOAUTH "):
                self.judgement = True, "it answers, and asks for a password"
            else:
                self.judgement = False, f"it says {shown(line[1:])}"
        return b""

"""`smtp = greeting`: a server that opens a session with 220, in one line or several (RFC 5321 3.1, 4.2.1).

421 and 554 mean that it takes no mail now.  A QUIT ends the session in order.
"""

from __future__ import annotations

import re

from director.health.probes.base import TalkProbe, shown

_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])[^\r\n]*)?\Z")
QUIT = b"QUIT\r\n"


class SmtpProbe(TalkProbe):
    """Waits for the greeting; the server speaks first."""

    def read(self) -> bytes:
        """Lines with one code, of which the last has no hyphen behind it."""
        lines = self.answer.split(b"\n")[:-1]
        code = b""
        for line in lines:
            found = _LINE.match(line.removesuffix(b"\r"))
            if found is None or (code and found[1] != code):
                self.judgement = False, f"not an SMTP greeting: {shown(self.answer)}"
                return b""
            code = found[1]
            if found[2] != b"-":
                self.judgement = code == b"220", f"it says {shown(line.rstrip())}"
                return QUIT
        return b""

"""`postgres = greeting`: a start-up message, and whether the server would talk to a client now.

As `pg_isready` judges: a server that asks for a password, or refuses this user, serves; one that is
starting up, shutting down or recovering answers with an error of class 57P (PostgreSQL, chapters
"Message Formats" and "Error Codes").  It is left with a FIN and without a word: a reset, or a Terminate
in the midst of a log-in, would each be a line in its log.
"""

from __future__ import annotations

import struct

from director.health.probes.base import TalkProbe, shown

PROTOCOL = 196608
"""Version 3.0."""


def startup(user: str) -> bytes:
    """The start-up message of a client: its length, the protocol, and pairs of strings."""
    body = struct.pack("!I", PROTOCOL) + b"user\0" + user.encode() + b"\0database\0postgres\0\0"
    return struct.pack("!I", len(body) + 4) + body


class PostgresProbe(TalkProbe):
    """One start-up message."""

    question = startup("director-check")

    def read(self) -> bytes:
        """The first message: R asks for a password or lets us in, E refuses with a reason."""
        kind = self.answer[:1]
        if kind not in (b"R", b"E"):
            self.judgement = False, f"not a postgres answer: {shown(self.answer)}"
            return b""
        if len(self.answer) < 5:
            return b""
        (length,) = struct.unpack("!I", self.answer[1:5])
        if kind == b"R":
            self.judgement = True, "it asks who we are"
            return b""
        if not 4 < length < 30000:
            self.judgement = False, f"not a postgres answer: {shown(self.answer)}"
        elif len(self.answer) > length:
            self._refused(self.answer[5 : length + 1])
        return b""

    def _refused(self, fields: bytes) -> None:
        """Fields of an error: a letter and a string each."""
        told = {field[:1]: field[1:] for field in fields.split(b"\0") if field}
        code, text = told.get(b"C", b""), told.get(b"M", b"")
        if code.startswith(b"57P"):
            self.judgement = False, f"it says {shown(text)}"
        elif code:
            self.judgement = True, f"it answers with error {code.decode('latin-1')[:5]!a}"
        else:
            self.judgement = False, f"not a postgres answer: {shown(fields)}"

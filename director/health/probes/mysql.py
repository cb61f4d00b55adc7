"""`mysql = greeting`: the handshake that a MySQL or MariaDB server begins with.

A server that counts handshakes which nobody ended refuses the host after a hundred of them
(`max_connect_errors`).  So the greeting is answered, as a user who does not exist: the refusal ends the
handshake, and does not count ("Protocol::HandshakeResponse41" of the MySQL documentation).
"""

from __future__ import annotations

import struct

from director.health.probes.base import TalkProbe, shown

_PROTOCOL_41 = 0x0200
_SECURE_CONNECTION = 0x8000
_LARGEST_PACKET = 0x1000000
_UTF8 = 33


def response(user: str) -> bytes:
    """The answer of a client without a password, as the second packet of the handshake."""
    flags = _PROTOCOL_41 | _SECURE_CONNECTION
    body = struct.pack("<IIB23x", flags, _LARGEST_PACKET, _UTF8) + user.encode() + b"\0\0"
    return struct.pack("<I", len(body))[:3] + b"\x01" + body


class MysqlProbe(TalkProbe):
    """Waits for the greeting; the server speaks first."""

    def read(self) -> bytes:
        """One packet: three octets of length, its number, and version 10 or an error."""
        answer = self.answer
        if len(answer) < 5:
            return b""
        length = int.from_bytes(answer[:3], "little")
        kind = answer[4]
        if answer[3] != 0 or kind not in (10, 255) or length > 1024:
            self.judgement = False, f"not a mysql greeting: {shown(answer)}"
        elif len(answer) >= length + 4:
            packet = answer[4 : length + 4]
            if kind == 255:
                self.judgement = False, f"it says {shown(packet[3:])}"
            else:
                self.judgement = True, f"version {shown(packet[1:].partition(bytes(1))[0])}"
                return response("director-check")
        return b""

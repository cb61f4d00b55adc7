"""The SIP persistence engine: the Call-ID of a SIP message (`lvs-semantics` C.3, RFC 3261).

Pure and bounded: it looks for one header in one datagram.
"""

from __future__ import annotations

import re

MAX_LENGTH = 255
"""Longest Call-ID that IPVS keeps."""

_CALL_ID = re.compile(rb"[\r\n](?:call-id|i)[ \t]*:[ \t]*([^\r\n]{1,256})[\r\n]", re.IGNORECASE)


def call_id(message: bytes) -> bytes | None:
    """The value of the Call-ID header (or its short form), or None when there is none that counts.

    It must have 1 to 255 bytes and be followed by CR or LF.
    """
    found = _CALL_ID.search(message)
    if found is None:
        return None
    value = found[1].rstrip(b" \t")
    return value if 0 < len(value) <= MAX_LENGTH else None

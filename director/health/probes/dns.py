"""`dns = TYPE NAME`: one query in a datagram, and an answer to just that query (RFC 1035 4).

Alive when the server answers the question that was asked, without an error, with at least one record of
the type (or an alias).  What answers another question, or comes with another number, is not looked at:
anybody can send that.
"""

from __future__ import annotations

import struct

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33}
ERRORS = {1: "format error", 2: "server failure", 3: "no such name", 4: "not implemented", 5: "refused"}
_IN = 1
_RECURSION_DESIRED = 0x0100
_RESPONSE = 0x8000
_TRUNCATED = 0x0200


def encoded_name(name: str) -> bytes:
    """Labels with their lengths; raises ValueError when one is empty or longer than 63 octets."""
    labels = [label.encode("ascii") for label in name.rstrip(".").split(".")] if name != "." else []
    if not all(0 < len(label) < 64 for label in labels) or sum(map(len, labels)) + len(labels) > 254:
        raise ValueError(f"not a name for a query: {name!r}")
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def query(identity: int, kind: str, name: str) -> bytes:
    """A query with that number."""
    question = encoded_name(name) + struct.pack("!HH", TYPES[kind], _IN)
    return struct.pack("!6H", identity, _RECURSION_DESIRED, 1, 0, 0, 0) + question


def judge(asked: bytes, answer: bytes) -> tuple[bool, str] | None:
    """What a datagram says about the server that was asked `asked`; None when it is no answer to that."""
    question = asked[12:]
    if len(answer) < 12 or answer[:2] != asked[:2]:
        return None
    _, flags, questions, answers, _, _ = struct.unpack("!6H", answer[:12])
    if not flags & _RESPONSE:
        return None
    code = flags & 15
    if questions == 0 and code:
        return False, f"it answers {ERRORS.get(code, f'error {code}')}"
    if questions != 1 or answer[12 : 12 + len(question)].lower() != question.lower():
        return None
    if code:
        return False, f"it answers {ERRORS.get(code, f'error {code}')}"
    if flags & _TRUNCATED and not answers:
        return True, "it answers, too long for a datagram"
    if not answers:
        return False, "it answers without a record"
    return True, f"{answers} record{'s' if answers > 1 else ''}"

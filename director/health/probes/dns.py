"""`dns = TYPE NAME`: one query in a datagram, and an answer to just that query (RFC 1035 4).

Alive when the server answers the question that was asked, without an error, with at least one record of
the type (or an alias), and `expect = answer …` with one that it describes.  What answers another question,
or comes with another number, is not looked at: anybody can send that.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator, Sequence

from director.health.probes.base import Judgement, shown
from director.health.probes.terms import unmet_by_lines
from director.model.conditions import Term

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33}
ERRORS = {1: "format error", 2: "server failure", 3: "no such name", 4: "not implemented", 5: "refused"}
_IN = 1
_RECURSION_DESIRED = 0x0100
_RESPONSE = 0x8000
_TRUNCATED = 0x0200
_POINTER = 0xC0
LABELS = 256
"""Labels and pointers of one name: a name has at most 255 octets."""


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


def judge(asked: bytes, answer: bytes, terms: Sequence[Term] = ()) -> Judgement | None:
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
        return not terms, "it answers, too long for a datagram"
    if not answers:
        return False, "it answers without a record"
    if not terms:
        return True, f"{answers} record{'s' if answers > 1 else ''}"
    return _judge_records(answer, 12 + len(question), answers, terms)


def _judge_records(answer: bytes, at: int, count: int, terms: Sequence[Term]) -> Judgement:
    try:
        found = tuple(records(answer, at, count))
    except (IndexError, struct.error):
        return False, "its records cannot be read"
    lacking = unmet_by_lines(terms, found)
    said = shown(", ".join(found).encode("latin-1", "replace"))
    return not lacking, f"{said}, but not {lacking}" if lacking else f"it answers {said}"


def records(message: bytes, at: int, count: int) -> Iterator[str]:
    """The data of `count` records from octet `at` on, as in a zone file; names without their last dot.

    Raises IndexError and struct.error for what is none.
    """
    for _ in range(count):
        _, at = name_at(message, at)
        kind, _, _, length = struct.unpack_from("!HHIH", message, at)
        at += 10
        if at + length > len(message):
            raise IndexError("a record longer than its message")
        yield _data(message, kind, at, length)
        at += length


def _data(message: bytes, kind: int, at: int, length: int) -> str:
    data = message[at : at + length]
    if kind in {TYPES["A"], TYPES["AAAA"]} and length in {4, 16}:
        return str(ipaddress.ip_address(data))
    if kind in {TYPES["NS"], TYPES["CNAME"], TYPES["PTR"]}:
        return name_at(message, at)[0]
    if kind == TYPES["MX"]:
        return f"{struct.unpack_from('!H', data)[0]} {name_at(message, at + 2)[0]}"
    if kind == TYPES["SRV"]:
        numbers = " ".join(map(str, struct.unpack_from("!3H", data)))
        return f"{numbers} {name_at(message, at + 6)[0]}"
    if kind == TYPES["SOA"]:
        primary, at = name_at(message, at)
        person, at = name_at(message, at)
        return f"{primary} {person} {' '.join(map(str, struct.unpack_from('!5I', message, at)))}"
    if kind == TYPES["TXT"]:
        return "".join(piece.decode("latin-1") for piece in _strings(data))
    return data.hex()


def _strings(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        yield data[at + 1 : at + 1 + data[at]]
        at += 1 + data[at]


def name_at(message: bytes, at: int) -> tuple[str, int]:
    """A name, perhaps with a pointer (RFC 1035 4.1.4), and where it ends.  Raises IndexError."""
    labels: list[str] = []
    end = 0
    # A pointer goes back; whoever goes round in a circle is not followed beyond the longest name.
    for _ in range(LABELS):
        length = message[at]
        if length == 0:
            return ".".join(labels).lower(), end or at + 1
        if length >= _POINTER:
            end = end or at + 2
            at = (length & 0x3F) << 8 | message[at + 1]
        else:
            if at + 1 + length > len(message):
                raise IndexError("a name longer than its message")
            labels.append(message[at + 1 : at + 1 + length].decode("latin-1"))
            at += 1 + length
    raise IndexError("a name without an end")

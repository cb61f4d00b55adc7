"""What probes of `[check:NAME]` say: octets with escapes, scripts, questions.  Parsers raise `BadValue`."""

from __future__ import annotations

import re

from director.config.text.messages import BadValue, suggest
from director.model.pools import ScriptStep

_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_SPOKEN = {"r": b"\r", "n": b"\n", "t": b"\t", ";": b";", "\\": b"\\"}
_STEP = re.compile(r"\s*(?:(send|expect)\s+)?((?:\\.|[^;\\])*)(;|\Z)", re.DOTALL)
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\Z")
_TYPES = ("A", "NS", "CNAME", "SOA", "PTR", "MX", "TXT", "AAAA", "SRV")
_MOST = 1024
"""Octets of a datagram or of one step; a check is a small question."""


def octets(text: str, at: int = 0) -> bytes:
    r"""A text with `\r`, `\n`, `\t`, `\;`, `\\` and `\xHH` as octets."""
    made = b""
    position = 0
    for found in _ESCAPE.finditer(text):
        made += text[position : found.start()].encode()
        if found[1]:
            made += bytes([int(found[1], 16)])
        elif found[2] in _SPOKEN:
            made += _SPOKEN[found[2]]
        else:
            hint = r"use \r \n \t \; \\ or \x and two digits, as in \x00"
            raise BadValue(f"{found[0]!r} stands for no octet", hint, at + found.start())
        position = found.end()
    made += text[position:].encode()
    if not made:
        raise BadValue("nothing is said", "write the text that shall be sent", at)
    if len(made) > _MOST:
        raise BadValue(f"{len(made)} octets are more than {_MOST}", "ask a shorter question", at)
    return made


def script(text: str) -> tuple[ScriptStep, ...]:
    r"""`expect 220; send QUIT\r\n` as steps; a `;` in a text is written `\;`."""
    steps = []
    position = 0
    while position < len(text):
        found = _STEP.match(text, position)
        if found is None:
            raise BadValue("a backslash ends the text", r"write \\ for one backslash", len(text) - 1)
        if found[1] is None:
            raise BadValue("a step begins with send or expect", "write send TEXT; expect TEXT", position)
        steps.append(ScriptStep(found[1] == "send", octets(found[2].rstrip(" \t"), found.start(2))))
        position = found.end()
    if not steps:
        raise BadValue("a script has steps", "write send TEXT; expect TEXT")
    return tuple(steps)


def question(text: str) -> tuple[str, str]:
    """`A www.example.org` as (type, name)."""
    kind, _, name = text.partition(" ")
    if kind not in _TYPES:
        raise BadValue(
            f"{kind!r} is no type of record", suggest(kind, _TYPES) or f"one of {', '.join(_TYPES)}"
        )
    name = name.strip()
    labels = name.removesuffix(".").split(".")
    if not name or len(name) > 253 or (name != "." and not all(map(_LABEL.match, labels))):
        raise BadValue(f"not a name: {name!r}", f"write {kind} www.example.org", len(kind) + 1 if name else 0)
    return kind, name

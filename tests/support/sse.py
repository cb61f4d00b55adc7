"""Reads a stream of server-sent events as a browser does (WHATWG HTML, 9.2.6)."""

from __future__ import annotations

from attrs import frozen


@frozen
class Said:
    """One event."""

    kind: str
    identifier: str
    data: str


def said(stream: bytes) -> list[Said]:
    """Every event that would be dispatched; comments and blocks without data are none."""
    found = []
    identifier, kind, data = "", "", list[str]()
    for line in stream.decode("utf-8").split("\n"):
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                found.append(Said(kind or "message", identifier, "\n".join(data)))
            kind, data = "", []
        elif name == "id":
            identifier = value
        elif name == "event":
            kind = value
        elif name == "data":
            data.append(value)
    return found

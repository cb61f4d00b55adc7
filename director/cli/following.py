"""What happens in a director, followed as long as somebody looks: its event stream, also over a restart.

A stream that breaks is opened again with the id of the last event that was read (WHATWG HTML, 9.2), so
nothing that the director still keeps is missed, and an event `gap` says where something is.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from attrs import frozen

from director.cli.client import NOT_REACHABLE, Refused

AGAIN_SECONDS = 1.0
"""Between two attempts to reach a director that went."""


@frozen
class StreamEvent:
    """One event of a stream: its id, its kind (`message`, or `gap`), and its JSON."""

    number: int
    kind: str
    data: Any


class Streaming(Protocol):
    """A client that can be told events as they come."""

    def stream(self, *segments: str, after: int) -> Iterator[bytes]:
        """The lines of the stream behind an id.  Raises Refused, also when it breaks."""


def follow(
    client: Streaming,
    after: int,
    warn: Callable[[str], None],
    wait: Callable[[float], None] = time.sleep,
) -> Iterator[StreamEvent]:
    """The events behind the id `after`, without an end.

    Raises Refused when the director says no; that it is not there is told to `warn`, and waited for.
    """
    lost = False
    while True:
        try:
            lines = client.stream("events", after=after)
            for one in events(lines):
                if lost:
                    warn("the director is there again")
                    lost = False
                after = one.number or after
                if one.data is not None:
                    yield one
        except Refused as refused:
            if refused.code != NOT_REACHABLE:
                raise
        if not lost:
            warn("the director is gone; waiting for it to come back")
            lost = True
        wait(AGAIN_SECONDS)


def events(lines: Iterable[bytes]) -> Iterator[StreamEvent]:
    """Each event of the lines; a block that only says where the stream stands has no data."""
    number, kind, data = 0, "", ""
    for octets in lines:
        line = octets.decode("utf-8", "replace").rstrip("\r\n")
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "id" and value.isdigit():
            number = int(value)
        elif name == "event":
            kind = value
        elif name == "data":
            data += value
        elif not line:
            yield StreamEvent(number, kind or "message", json.loads(data) if data else None)
            kind, data = "", ""

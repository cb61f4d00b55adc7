"""What happened, as JSON or as a stream of server-sent events that a reader may leave and resume.

Every reader has a place in the one list that the program keeps, and no queue of its own: one who is slow
finds everything that is still kept when it reads on, and an event `gap` in place of what is not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from director.admin.answers import Answer, Refusal, as_json
from director.admin.api import Call, limit, whole
from director.admin.control import Control
from director.admin.route import EVENT_STREAM
from director.admin.views import event_view
from director.registry.reports import LogEvent

RETRY = 2000
"""Milliseconds after which a reader that lost its connection shall come again."""
AT_ONCE = 100
"""Events that are written in one step."""
ALL = 1000
"""More than are kept."""
LARGEST_ID = 10**15


class Feed:
    """The events behind one id, as the octets of a stream (WHATWG HTML, 9.2 Server-sent events)."""

    def __init__(self, control: Control, after: int | None) -> None:
        """`after` is the id of the last event that the reader knows; None = begin with what comes now."""
        self._control = control
        self._resumed = after is not None
        self._known = newest(control) if after is None else after

    def head(self) -> bytes:
        """How to resume, and the id to resume from."""
        where = f"id: {self._known}\n\n" if not self._resumed else ""
        return f"retry: {RETRY}\n\n{where}".encode()

    def news(self) -> bytes:
        """What happened since the last call, at most `AT_ONCE` events; empty when nothing did."""
        return b"".join(self._told())

    def _told(self) -> Iterator[bytes]:
        found = self._control.events(ALL, self._known)
        resumed, self._resumed = self._resumed, False
        if resumed and not found and self._known > newest(self._control):
            # An id of the time before a clock was set back, or of another director.
            found = self._control.events(ALL, -1)
        found = found[::-1]
        if found and found[0].number != self._known + 1:
            yield told(f"id: {found[0].number - 1}\nevent: gap\n", {"oldest": found[0].number})
        for one in found[:AT_ONCE]:
            self._known = one.number
            yield told(f"id: {one.number}\n", event_view(one))


def told(fields: str, value: object) -> bytes:
    """One event with its data in one line."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return f"{fields}data: {text}\n\n".encode("utf-8", "backslashreplace")


def newest(control: Control) -> int:
    """The id of the last event; 0 before there is one."""
    found: list[LogEvent] = list(control.events(1, -1))
    return found[0].number if found else 0


class Events:
    """The route `events`."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def events(self, call: Call) -> Answer:
        """A stream; with `after` or `limit`, or for who accepts JSON alone, a list, newest first."""
        after = whole(call, "after", 0, LARGEST_ID, 0) if "after" in call.query else None
        accepts = call.accept.lower()
        listed = after is not None or "limit" in call.query or accepts.startswith("application/json")
        if EVENT_STREAM in accepts or not listed:
            return Answer(type=EVENT_STREAM, feed=Feed(self._control, _resumed(call, after)))
        most = limit(call) if "limit" in call.query or after is None else ALL
        found = self._control.events(most, -1 if after is None else after)
        return as_json([event_view(one) for one in found])


def _resumed(call: Call, after: int | None) -> int | None:
    """Where a stream begins; what the browser says after a lost connection goes before the address."""
    text = call.last_event
    if not text:
        return after
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_ID))):
        raise Refusal(400, "Last-Event-ID is the id of an event that was read", "Last-Event-ID")
    return int(text)

"""What a route is: one method on one path, who may, what it takes and gives."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from director.admin.accounts import VIEWER

OPEN = "open"
"""For anybody who reaches the listener: probes, scrapers, the sign-in page and its looks."""

JSON = "application/json"
HTML = "text/html"
TEXT = "text/plain"
CSV = "text/csv"
FORM = "application/x-www-form-urlencoded"
EVENT_STREAM = "text/event-stream"


@frozen
class ApiRoute:
    """One method on one path.

    Attributes:
        path: with `{name}` for each variable segment.
        access: OPEN, or the least role that may; the token, links and the control socket have the largest.
        takes: content type of the body it needs, empty when it needs none (a body is then ignored).
        gives: content type of a good answer.
        streams: content type of its answer without an end, when it has one.
        query: parameters it knows, with what they mean.
        statuses: answers beyond 400, 401, 404, 405, 413, 421 and 500, which any route may give.
        body: JSON schema of the body.
        patience: how many times as long as others a caller waits for the work.
    """

    name: str
    method: str
    path: str
    summary: str
    access: str = VIEWER
    takes: str = ""
    gives: str = JSON
    streams: str = ""
    query: tuple[tuple[str, str], ...] = ()
    statuses: tuple[int, ...] = (200,)
    body: dict[str, Any] | None = None
    patience: float = 1.0

"""What the admin answers with, as values: good ones, errors, and the headers on all of them.

Pure.  `api` and `pages` return an `Answer`, `resource` writes it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from attrs import evolve, frozen

JSON_TYPE = "application/json"
TEXT_TYPE = "text/plain; charset=utf-8"
HTML_TYPE = "text/html; charset=utf-8"

SECURITY_HEADERS = (
    ("Content-Security-Policy",
     ("default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
      "form-action 'self'; frame-ancestors 'none'; base-uri 'none'")),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("X-Frame-Options", "DENY"),
)  # fmt: skip
"""On every answer, errors included; nothing may be loaded from outside or framed.

The referrer policy is not `no-referrer`, for then browsers send `Origin: null` with our own forms."""

Headers = tuple[tuple[str, str], ...]


class NewsSource(Protocol):
    """What a stream tells, without an end."""

    def head(self) -> bytes:
        """What comes first."""

    def news(self) -> bytes:
        """What is new since the last call; empty when nothing is."""


@frozen
class Answer:
    """A whole answer.

    `pieces` are written one by one, so that a long one does not hold up the reactor; `feed` is told until
    the reader goes.
    """

    status: int = 200
    body: bytes = b""
    type: str = JSON_TYPE
    headers: Headers = ()
    pieces: Iterable[bytes] | None = None
    feed: NewsSource | None = None

    def with_headers(self, *headers: tuple[str, str]) -> Answer:
        """The same with more headers."""
        return evolve(self, headers=(*self.headers, *headers))


class Refusal(Exception):  # noqa: N818 - it is what happened, not a fault
    """Raised where a request cannot be answered well; becomes `{"error": …, "at": …}`."""

    def __init__(
        self,
        status: int,
        message: str,
        at: str = "",
        headers: Headers = (),
        more: Mapping[str, object] | None = None,
    ) -> None:
        """`more` are fields beside `error` and `at`."""
        super().__init__(message)
        self.status = status
        self.at = at
        self.headers = headers
        self.more = dict(more or {})


def as_json(value: object, status: int = 200, headers: Headers = ()) -> Answer:
    """A value as JSON, with a newline for people with curl."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
    return Answer(status, body + b"\n", JSON_TYPE, headers)


def as_array(values: Iterable[object]) -> Iterator[bytes]:
    """A JSON array, one value a piece, each made when it is asked for."""
    before = b"["
    for value in values:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        yield before + text.encode("utf-8", "backslashreplace")
        before = b","
    yield b"[]\n" if before == b"[" else b"]\n"


def as_object(value: Mapping[str, object], name: str, array: Iterable[object]) -> Iterator[bytes]:
    """A JSON object whose last member is an array, that one value a piece."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    yield f'{text[:-1]},"{name}":'.encode("utf-8", "backslashreplace")
    yield from as_array(array)
    yield b"}\n"


def as_text(text: str, status: int = 200) -> Answer:
    """Plain text."""
    return Answer(status, text.encode("utf-8", "backslashreplace"), TEXT_TYPE)


def as_html(text: str, status: int = 200, headers: Headers = ()) -> Answer:
    """A page."""
    return Answer(status, text.encode("utf-8", "backslashreplace"), HTML_TYPE, headers)


def as_page(pieces: Iterable[bytes]) -> Answer:
    """A page in pieces."""
    return Answer(type=HTML_TYPE, pieces=pieces)


def encoded(pieces: Iterable[str]) -> Iterator[bytes]:
    """The pieces of a page as they are sent."""
    for piece in pieces:
        yield piece.encode("utf-8", "backslashreplace")


def as_error(refusal: Refusal) -> Answer:
    """A refusal as JSON."""
    return as_json({"error": str(refusal), "at": refusal.at, **refusal.more}, refusal.status, refusal.headers)


def see_other(path: str, headers: Headers = ()) -> Answer:
    """Go on to one of our own paths, a constant of the code: never text from a request."""
    return Answer(303, b"", TEXT_TYPE, (("Location", path), *headers))

"""Second and third opinion: what h11 and httptools make of the same bytes."""

from __future__ import annotations

from typing import Any

import h11
import httptools

from tests.conformance.http.model import Fields, Seen

# Legal, and not taken by h11 0.16: an empty line in front of a request (RFC 9112 2.2), white space before a
# chunk extension (7.1.1), and trailers that name framing fields (RFC 9110 6.5.1: to be ignored).
H11_CANNOT = frozenset(
    {
        "line.one-empty-line",
        "line.one-empty-line-split",
        "pipeline.empty-line-between",
        "chunk.doubtful-bws-before",
        "chunk.doubtful-tab-before",
        "chunk.trailer-te",
    }
)


class DisagreementError(Exception):
    """The oracle does not take these bytes as whole requests."""


def by_h11(raw: bytes) -> tuple[Seen, ...]:
    """All requests in `raw`; raises DisagreementError when h11 refuses or wants more."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 22)
    connection.receive_data(raw)
    found: list[Seen] = []
    try:
        while (seen := _next(connection)) is not None:
            found.append(seen)
    except h11.RemoteProtocolError as error:
        raise DisagreementError(str(error)) from error
    return tuple(found)


def _next(connection: h11.Connection) -> Seen | None:
    request: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) and request is not None:
            _answer(connection)
            trailers = tuple((bytes(n), bytes(v)) for n, v in event.headers)
            return Seen(request.method, request.target, _fields(request), bytes(body), trailers)
        elif request is not None:
            raise DisagreementError("incomplete")
        else:
            return None


def _fields(request: h11.Request) -> Fields:
    return tuple((bytes(name), bytes(value)) for name, value in request.headers)


def _answer(connection: h11.Connection) -> None:
    """Answer at once, so that h11 goes on to the next request of the pipeline."""
    connection.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
    connection.send(h11.EndOfMessage())
    if connection.our_state is h11.DONE and connection.their_state is h11.DONE:
        connection.start_next_cycle()


class _Collector:
    """Callbacks of httptools."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.parser: Any = None
        self.on_message_begin()

    def on_message_begin(self) -> None:
        self.target, self.body, self.fields = (
            b"",
            bytearray(),
            list[tuple[bytes, bytes]](),
        )

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        # llhttp leaves white space behind the value.
        self.fields.append((name.lower(), value.strip(b" \t")))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.seen.append(
            Seen(
                self.parser.get_method(),
                self.target,
                tuple(self.fields),
                bytes(self.body),
            )
        )


def by_httptools(raw: bytes) -> tuple[Seen, ...]:
    """All requests in `raw`; raises DisagreementError when llhttp refuses."""
    collector = _Collector()
    collector.parser = httptools.HttpRequestParser(collector)
    try:
        collector.parser.feed_data(raw)
    except httptools.HttpParserUpgrade:
        pass
    except httptools.HttpParserError as error:
        raise DisagreementError(str(error)) from error
    return tuple(collector.seen)

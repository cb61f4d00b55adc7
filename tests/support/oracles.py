"""Other people's readers of HTTP/1.1 as oracles: what h11 and httptools take a request or a response for.

Both are asked about one whole message; None means that they refuse it or miss some of it.
"""

from __future__ import annotations

import h11
import httptools
from attrs import define, field, frozen


@frozen
class Reading:
    """One message as an oracle read it; field names in lower case, in order.

    `start` is (method, target) of a request, (status, reason) of a response.
    """

    start: tuple[bytes, bytes]
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes
    keep_alive: bool


def h11_request(raw: bytes) -> Reading | None:
    """h11's reading of one request."""
    return _h11(h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20), raw)


def h11_response(raw: bytes, method: bytes = b"GET", *, ended: bool = False) -> Reading | None:
    """h11's reading of the answer to `method`; `ended` says that the server closes behind it."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    connection.send(h11.Request(method=method, target=b"/", headers=[(b"Host", b"a")]))
    connection.send(h11.EndOfMessage())
    return _h11(connection, raw, ended=ended)


def _h11(connection: h11.Connection, raw: bytes, *, ended: bool = False) -> Reading | None:
    start, body, keep = (b"", b""), b"", True
    fields: tuple[tuple[bytes, bytes], ...] = ()
    try:
        connection.receive_data(raw)
        if ended:
            connection.receive_data(b"")
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                start, fields = (event.method, event.target), tuple(event.headers)
            elif isinstance(event, h11.Response):
                start, fields = (b"%d" % event.status_code, event.reason), tuple(event.headers)
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                keep = connection.their_state is not h11.MUST_CLOSE
                return Reading(start, fields, body, keep)
            elif not isinstance(event, h11.InformationalResponse):
                return None
    except h11.RemoteProtocolError:
        return None


@define
class _Heard:
    """What httptools calls back."""

    target: bytes = b""
    fields: list[tuple[bytes, bytes]] = field(factory=list)
    body: bytes = b""
    complete: bool = False
    in_trailer: bool = False

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.in_trailer:
            self.fields.append((name.lower(), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        self.in_trailer = True

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete = True


def llhttp_request(raw: bytes) -> Reading | None:
    """Llhttp's reading of one request."""
    heard = _Heard()
    parser = httptools.HttpRequestParser(heard)
    try:
        parser.feed_data(raw)
    except httptools.HttpParserUpgrade:
        heard.complete = True
    except httptools.HttpParserError:
        return None
    if not heard.complete:
        return None
    return Reading(
        (parser.get_method(), heard.target), tuple(heard.fields), heard.body, parser.should_keep_alive()
    )


def llhttp_response(raw: bytes) -> Reading | None:
    """Llhttp's reading of one response that is no answer to HEAD and not close-delimited."""
    heard = _Heard()
    parser = httptools.HttpResponseParser(heard)
    try:
        parser.feed_data(raw)
    except httptools.HttpParserError:
        return None
    if not heard.complete:
        return None
    status = b"%d" % parser.get_status_code()
    return Reading((status, b""), tuple(heard.fields), heard.body, parser.should_keep_alive())

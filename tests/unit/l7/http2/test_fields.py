from __future__ import annotations

import pytest

from director.errors import MessageError
from director.l7.http2.fields import head_fields, lines_to_fields, trailer_lines


def test_heads_lose_what_belongs_to_http_1() -> None:
    text = b"HTTP/1.1 204 No Content\r\nConnection: close\r\nX-A:  b \r\nTransfer-Encoding: chunked"
    assert head_fields(text) == ((b":status", b"204"), (b"x-a", b"b"))
    assert lines_to_fields([b"Keep-Alive: 5", b"Y: z", b""]) == [(b"y", b"z")]


@pytest.mark.parametrize(
    "field", [(b":path", b"/"), (b"connection", b"x"), (b"a", b"b\r\nc: d"), (b"a", b"\0")]
)
def test_trailers_that_are_none(field: tuple[bytes, bytes]) -> None:
    assert trailer_lines(((b"a", b"b"),)) == b"a: b\r\n"
    with pytest.raises(MessageError):
        trailer_lines((field,))

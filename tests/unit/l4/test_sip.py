from __future__ import annotations

import pytest

from director.l4.sip import call_id

INVITE = b"INVITE sip:bob@example.org SIP/2.0\r\nVia: SIP/2.0/UDP pc33\r\n%s\r\nCSeq: 1 INVITE\r\n\r\n"


@pytest.mark.parametrize(
    ("header", "value"),
    [
        (b"Call-ID: a84b4c76e66710@pc33", b"a84b4c76e66710@pc33"),
        (b"call-id:x", b"x"),
        (b"i: short@form", b"short@form"),
        (b"Call-ID : spaced", b"spaced"),
        (b"Call-ID: " + b"y" * 255, b"y" * 255),
        (b"Call-ID: " + b"y" * 256, None),
        (b"Call-ID: ", None),
        (b"X-Call-ID: no", None),
        (b"Call-Info: no", None),
    ],
)
def test_header(header: bytes, value: bytes | None) -> None:
    assert call_id(INVITE % header) == value


def test_value_must_be_followed_by_a_line_end() -> None:
    assert call_id(b"OPTIONS sip:x SIP/2.0\r\nCall-ID: cut") is None
    assert call_id(b"") is None

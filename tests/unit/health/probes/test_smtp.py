"""Greetings as RFC 5321 3.1 and 4.2.1 have them."""

from __future__ import annotations

import pytest

from director.health.probes.smtp import SmtpProbe

QUIT = b"QUIT\r\n"


@pytest.mark.parametrize(
    ("answer", "judgement", "reply"),
    [
        (b"220 foo.com Simple Mail Transfer Service Ready\r\n", True, QUIT),
        (b"220-foo.com\r\n220-no UCE\r\n220 ESMTP\r\n", True, QUIT),
        (b"220\r\n", True, QUIT),
        (b"554 No SMTP service here\r\n", False, QUIT),
        (b"421 foo.com Service not available\r\n", False, QUIT),
        (b"220-foo.com\r\n221 bye\r\n", False, b""),
        (b"SSH-2.0-OpenSSH\r\n", False, b""),
        (b"22 x\r\n", False, b""),
        (b"220-foo.com\r\n", None, b""),
        (b"220 foo.com", None, b""),
    ],
)
def test_a_server_opens_with_220(answer: bytes, judgement: bool | None, reply: bytes) -> None:
    probe = SmtpProbe()
    assert (probe.begin(), probe.feed(answer)) == (b"", reply)
    assert (probe.judgement and probe.judgement[0]) == judgement
    other = SmtpProbe()
    for octet in answer:
        other.feed(bytes([octet]))
    assert (other.judgement and other.judgement[0]) == judgement

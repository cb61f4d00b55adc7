"""Answers as in the protocol's specification (RESP: simple strings and errors)."""

from __future__ import annotations

import pytest

from director.health.probes.redis import RedisProbe


@pytest.mark.parametrize(
    ("answer", "judgement"),
    [
        (b"+PONG\r\n", (True, "PONG")),
        (b"-NOAUTH Authentication required.\r\n", (True, "it answers, and asks for a password")),
        (
            b"-LOADING Redis is loading the dataset in memory\r\n",
            (False, "it says 'LOADING Redis is loading the dataset in '…"),
        ),
        (
            b"-MASTERDOWN Link with MASTER is down\r\n",
            (False, "it says 'MASTERDOWN Link with MASTER is down'"),
        ),
        (b"+OK\r\n", (False, "it says 'OK'")),
        (b"HTTP/1.1 400 Bad Request\r\n", (False, "not a redis answer: 'HTTP/1.1 400 Bad Request??'")),
    ],
)
def test_a_ping_brings_a_pong(answer: bytes, judgement: tuple[bool, str]) -> None:
    probe = RedisProbe()
    assert probe.begin() == b"*1\r\n$4\r\nPING\r\n"
    probe.feed(answer)
    assert probe.judgement == judgement


def test_octet_by_octet() -> None:
    probe = RedisProbe()
    for octet in b"+PONG\r":
        probe.feed(bytes([octet]))
        assert probe.judgement is None
    probe.feed(b"\n")
    assert probe.judgement == (True, "PONG")

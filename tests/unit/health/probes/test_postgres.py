"""Messages as in PostgreSQL's documentation, chapter "Message Formats"."""

from __future__ import annotations

import struct

import pytest

from director.health.probes.postgres import PostgresProbe


def error(code: bytes, text: bytes) -> bytes:
    fields = (
        b"SFATAL\0VFATAL\0C" + code + b"\0M" + text + b"\0Fpostmaster.c\0L2263\0RProcessStartupPacket\0\0"
    )
    return b"E" + struct.pack("!I", len(fields) + 4) + fields


SASL = b"SCRAM-SHA-256\0\0"
ASKS = b"R" + struct.pack("!II", len(SASL) + 8, 10) + SASL


def test_the_start_is_one_that_a_server_reads() -> None:
    """Int32 length, Int32 196608, pairs of strings, a zero."""
    sent = PostgresProbe().begin()
    length, protocol = struct.unpack("!II", sent[:8])
    assert (length, protocol) == (len(sent), 3 << 16)
    assert sent[8:] == b"user\0director-check\0database\0postgres\0\0"


@pytest.mark.parametrize(
    ("answer", "judgement"),
    [
        (ASKS, (True, "it asks who we are")),
        (b"R\0\0\0\x08\0\0\0\0", (True, "it asks who we are")),
        (error(b"28000", b"no pg_hba.conf entry"), (True, "it answers with error '28000'")),
        (
            error(b"57P03", b"the database system is starting up"),
            (False, "it says 'the database system is starting up'"),
        ),
        (b"SSH-2.0-OpenSSH_9\r\n", (False, "not a postgres answer: 'SSH-2.0-OpenSSH_9??'")),
        (b"E\xff\xff\xff\xff", (False, "not a postgres answer: 'E????'")),
        (b"E\0\0\0\6x\0", (False, "not a postgres answer: 'x?'")),
    ],
)
def test_only_a_server_that_takes_no_clients_is_dead(answer: bytes, judgement: tuple[bool, str]) -> None:
    probe = PostgresProbe()
    assert (probe.feed(answer), probe.judgement) == (b"", judgement)
    # A reset would be a line in its log.
    assert (probe.enough, probe.resets) == (True, False)


def test_an_error_is_waited_for_until_it_is_whole() -> None:
    answer = error(b"57P01", b"terminating connection")
    probe = PostgresProbe()
    for octet in answer[:-1]:
        probe.feed(bytes([octet]))
        assert probe.judgement is None
    probe.feed(answer[-1:])
    assert probe.judgement == (False, "it says 'terminating connection'")

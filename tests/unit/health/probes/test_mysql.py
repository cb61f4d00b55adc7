"""Packets as in MySQL's documentation ("Protocol::HandshakeV10", "Protocol::HandshakeResponse41")."""

from __future__ import annotations

import struct

import pytest

from director.health.probes.mysql import MysqlProbe


def packet(number: int, body: bytes) -> bytes:
    return len(body).to_bytes(3, "little") + bytes([number]) + body


GREETING = packet(
    0,
    b"\x0a8.0.36\0" + struct.pack("<I", 11) + b"abcdefgh\0" + b"\xff\xff\xff\x02\0\xff\xdf\x15" + bytes(10)
    + b"abcdefghijkl\0caching_sha2_password\0",
)  # fmt: skip
BLOCKED = packet(0, b"\xff" + struct.pack("<H", 1129) + b"Host '10.0.0.1' is blocked")


def test_a_greeting_is_alive_and_is_answered_so_that_it_counts_as_no_error() -> None:
    probe = MysqlProbe()
    assert probe.begin() == b""
    reply = probe.feed(GREETING)
    assert (probe.judgement, probe.enough) == ((True, "version '8.0.36'"), False)
    assert (int.from_bytes(reply[:3], "little"), reply[3]) == (len(reply) - 4, 1)
    flags, largest, _ = struct.unpack("<IIB", reply[4:13])
    # CLIENT_PROTOCOL_41 and CLIENT_SECURE_CONNECTION; without CLIENT_SSL, CONNECT_WITH_DB and PLUGIN_AUTH.
    assert (flags, largest) == (0x8200, 1 << 24)
    assert reply[13:36] == bytes(23)
    assert reply[36:] == b"director-check\0" + b"\0"


@pytest.mark.parametrize(
    ("answer", "judgement"),
    [
        (BLOCKED, (False, "it says \"Host '10.0.0.1' is blocked\"")),
        (b"220 mail.example.org\r\n", (False, "not a mysql greeting: '220 mail.example.org??'")),
        (packet(1, b"\x0a8.0.36\0"), (False, "not a mysql greeting: '?????8.0.36?'")),
    ],
)
def test_what_is_no_greeting_is_dead(answer: bytes, judgement: tuple[bool, str]) -> None:
    probe = MysqlProbe()
    probe.feed(answer)
    assert probe.judgement == judgement
    assert probe.enough


def test_a_greeting_is_waited_for_until_it_is_whole() -> None:
    probe = MysqlProbe()
    for octet in GREETING[:-1]:
        probe.feed(bytes([octet]))
        assert probe.judgement is None
    assert probe.feed(GREETING[-1:])

"""Messages as in RFC 792 and RFC 4443; the sums are proven by RFC 1071's own rule."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.health.probes.icmp import judge, request

TOKEN = b"0123456789abcdef"
ASKED = {version: request(version, 0x1234, TOKEN) for version in (4, 6)}
HEADER = b"\x45" + bytes(19)
OPTIONS = b"\x46" + bytes(23)


def test_a_request_is_an_echo_with_a_number_and_octets() -> None:
    kind, code, _, identity, sequence = struct.unpack("!BBHHH", ASKED[4][:8])
    assert (kind, code, identity, sequence, ASKED[4][8:]) == (8, 0, 0x1234, 1, TOKEN)
    assert ASKED[6] == b"\x80\0\0\0\x12\x34\0\1" + TOKEN


@given(st.integers(0, 65535), st.binary(max_size=41))
def test_the_sum_over_all_is_all_ones(identity: int, token: bytes) -> None:
    """RFC 1071 1: summed with the checksum, the result is all 1 bits."""
    message = request(4, identity, token)
    message += b"\0" * (len(message) % 2)
    total = sum(struct.unpack(f"!{len(message) // 2}H", message))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    assert total == 0xFFFF


REPLY = {4: b"\0\0\xff\xff" + ASKED[4][4:], 6: b"\x81\0\xff\xff" + ASKED[6][4:]}
TOO_FAR = (False, "unreachable, says a router on the way")


@pytest.mark.parametrize(
    ("version", "packet", "judgement"),
    [
        (4, HEADER + REPLY[4], (True, "echo reply")),
        (4, OPTIONS + REPLY[4], (True, "echo reply")),
        (6, REPLY[6], (True, "echo reply")),
        # Our own request, seen on loopback.
        (4, HEADER + ASKED[4], None),
        (6, ASKED[6], None),
        # Somebody else's reply: another number, or octets that he could not know.
        (4, HEADER + REPLY[4].replace(b"\x12\x34", b"\x12\x35"), None),
        (4, HEADER + REPLY[4][:-1] + b"x", None),
        (6, REPLY[6][:-1], None),
        # RFC 792: the header of the packet and its first eight octets come back.
        (4, HEADER + b"\3\1\0\0\0\0\0\0" + HEADER + ASKED[4][:8], TOO_FAR),
        (6, b"\1\0\0\0\0\0\0\0" + bytes(40) + ASKED[6], TOO_FAR),
        (4, HEADER + b"\3\1\0\0\0\0\0\0" + HEADER + b"other one", None),
        (4, b"", None),
        (6, b"", None),
        (4, HEADER, None),
    ],
)
def test_only_the_reply_to_this_request_counts(
    version: int, packet: bytes, judgement: tuple[bool, str] | None
) -> None:
    assert judge(ASKED[version], packet) == judgement


@given(st.binary(max_size=80))
def test_whatever_comes_does_no_harm(packet: bytes) -> None:
    found = [judge(ASKED[version], packet) for version in (4, 6)]
    assert found == [None, None]

"""Tags out and in."""

from __future__ import annotations

from director.l4.wire.ethernet import header, kind, tag, untag

PLAIN = header(b"\1" * 6, b"\2" * 6, 0x0800) + b"payload"


def test_untagged_frame_is_left_alone() -> None:
    frame = bytearray(PLAIN)
    assert untag(frame) == b""
    assert frame == PLAIN


def test_tag_goes_out_and_comes_back() -> None:
    tagged = PLAIN[:12] + b"\x81\x00\x00\x05" + PLAIN[12:]
    frame = bytearray(tagged)
    four = untag(frame)
    assert (four, bytes(frame), kind(frame)) == (b"\x81\x00\x00\x05", PLAIN, 0x0800)
    tag(frame, four)
    assert frame == tagged


def test_tag_alone_is_not_read() -> None:
    frame = bytearray(PLAIN[:12] + b"\x81\x00\x00")
    assert untag(frame) == b""

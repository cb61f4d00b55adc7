from __future__ import annotations

import pytest

from director.config.parse.faults import action
from director.fault.shaping import shaping

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"


def passed(text: str, data: bytes, size: int) -> tuple[bytes, str]:
    """What goes on of an answer that comes in pieces of `size` octets, and how it ends."""
    shape = shaping(action(text))
    out = b""
    for at in range(0, len(data), size):
        out += shape.take(data[at : at + size])
        if shape.end:
            break
    return out, shape.end


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize(
    ("text", "expected", "end"),
    [
        ("truncate 4", HEAD + b"0123", "ended"),
        ("truncate 0", HEAD, "ended"),
        ("truncate 10", HEAD + b"0123456789", ""),
        ("reset after 20", HEAD[:20], "lost"),
        ("reset after 1k", HEAD + b"0123456789", ""),
        ("close after 20", HEAD[:20], "ended"),
        ("limit_data 20", HEAD[:20], "ended"),
        ("delay 1s", HEAD + b"0123456789", ""),
    ],
)
def test_answers(text: str, expected: bytes, end: str, size: int) -> None:
    assert passed(text, HEAD + b"0123456789", size) == (expected, end)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_interim_heads_are_no_body(size: int) -> None:
    data = EARLY + HEAD + b"0123456789"
    assert passed("truncate 4", data, size) == (EARLY + HEAD + b"0123", "ended")


def test_what_has_no_head_is_bounded() -> None:
    out, end = passed("truncate 4", b"x" * 100_000, 1000)
    assert end == "ended"
    assert 65536 < len(out) < 67_600


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("drip 100/s", 100),
        ("drip 10000/s", 10000),
        ("bandwidth 1k", 1024),
        ("bandwidth 3", 3),
        ("bandwidth 10m", 10485760),
        ("bandwidth 1g", 1073741824),
        ("slicer 100 10ms", 10000),
    ],
)
def test_paces(text: str, rate: float) -> None:
    pace = shaping(action(text)).pace
    assert pace is not None
    octets, seconds = pace
    assert octets / seconds == pytest.approx(rate)
    assert octets >= 1
    assert seconds >= 0.0049


def test_one_octet_at_a_time() -> None:
    assert shaping(action("drip 100/s")).pace == (1, 0.01)


def test_large_bandwidths_come_in_pieces_that_need_no_large_store() -> None:
    assert shaping(action("bandwidth 10m")).pace == (65536, 0.00625)
    assert shaping(action("bandwidth 100k")).pace == (5120, 0.05)


def test_slices() -> None:
    assert shaping(action("slicer 64 20ms")).pace == (64, 0.02)
    assert shaping(action("slicer 64")).pace == (64, 0.005)

from __future__ import annotations

from director.l7.io.date import DateLine


def test_the_line_of_the_rfc_and_once_a_second() -> None:
    """RFC 9110 5.6.7 has this time as its example."""
    now = [784111777.0]
    line = DateLine(lambda: now[0])
    first = line()
    assert first == b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    now[0] += 0.9
    assert line() is first
    now[0] += 0.1
    assert line() == b"Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n"

"""The main path, the shutdowns and the aborts as `lvs-semantics` D.4 tells them."""

from __future__ import annotations

import pytest

from director.l4.states import sctp
from director.l4.states.directions import INPUT, INPUT_ONLY, OUTPUT

CHUNK = {
    "DATA": 0, "INIT": 1, "INIT-ACK": 2, "ABORT": 6, "SHUTDOWN": 7, "SHUTDOWN-ACK": 8, "COOKIE-ECHO": 10,
    "COOKIE-ACK": 11, "SHUTDOWN-COMPLETE": 14,
}  # fmt: skip
IN, OUT, ONLY = INPUT, OUTPUT, INPUT_ONLY
UP = [
    (IN, "INIT", "INIT1"),
    (OUT, "INIT-ACK", "C-SENT"),
    (IN, "COOKIE-ECHO", "C-REPLIED"),
    (OUT, "COOKIE-ACK", "ESTABLISHED"),
]
PATHS = [
    ("up", UP),
    ("data changes nothing", [*UP, (IN, "DATA", "ESTABLISHED"), (OUT, "DATA", "ESTABLISHED")]),
    ("init again", [(IN, "INIT", "INIT1"), (IN, "INIT", "INIT")]),
    (
        "client ends",
        [
            *UP,
            (IN, "SHUTDOWN", "S-RECEIVED"),
            (OUT, "SHUTDOWN-ACK", "S-ACK-SENT"),
            (IN, "SHUTDOWN-COMPLETE", "CLOSED"),
        ],
    ),
    ("server ends", [*UP, (OUT, "SHUTDOWN", "S-SENT"), (IN, "SHUTDOWN-ACK", "CLOSED")]),
    ("abort in", [*UP, (IN, "ABORT", "CLOSED")]),
    ("abort out at once", [(IN, "INIT", "INIT1"), (OUT, "ABORT", "REJECTED")]),
    ("abort in while waiting", [(OUT, "INIT", "C-WAIT"), (IN, "ABORT", "REJECTED")]),
    (
        "server not seen",
        [(ONLY, "INIT", "INIT1"), (ONLY, "COOKIE-ECHO", "ESTABLISHED"), (ONLY, "ABORT", "CLOSED")],
    ),
]


@pytest.mark.parametrize(("name", "path"), PATHS)
def test_path(name: str, path: list[tuple[int, str, str]]) -> None:
    state = sctp.NONE
    for direction, chunk, expected in path:
        state = sctp.TABLE[direction][sctp.event(CHUNK[chunk], None)][state]
        assert sctp.NAMES[state] == expected, name


def test_cookie_followed_by_abort_is_an_abort() -> None:
    assert sctp.event(10, 6) == sctp.event(11, 6) == sctp.ABORT
    assert sctp.event(0, 6) == sctp.DATA


def test_timeouts() -> None:
    by_name = dict(zip(sctp.NAMES, sctp.TIMEOUTS, strict=True))
    special = {"NONE": 2, "INIT1": 4, "ESTABLISHED": 900, "REJECTED": 4}
    assert by_name == {name: special.get(name, 61) for name in sctp.NAMES}

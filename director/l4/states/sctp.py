"""SCTP as a director sees it: chunk events, states, transitions and timeouts (`lvs-semantics` D.4).

The main path is given by D.4; what it leaves open stays in the state it was in, so that a stray chunk
never kills an association.  `SCTP[direction][event][state]` is the new state.
"""

from __future__ import annotations

(
    NONE, INIT1, INIT, COOKIE_SENT, COOKIE_REPLIED, COOKIE_WAIT, COOKIE, COOKIE_ECHOED, ESTABLISHED,
    SHUTDOWN_SENT, SHUTDOWN_RECEIVED, SHUTDOWN_ACK_SENT, REJECTED, CLOSED,
) = range(14)  # fmt: skip

NAMES = (
    "NONE", "INIT1", "INIT", "C-SENT", "C-REPLIED", "C-WAIT", "COOKIE", "C-ECHOED", "ESTABLISHED",
    "S-SENT", "S-RECEIVED", "S-ACK-SENT", "REJECTED", "CLOSED",
)  # fmt: skip

TIMEOUTS = (2.0, 4.0, *(61.0,) * 6, 900.0, *(61.0,) * 3, 4.0, 61.0)
ACTIVE = frozenset({ESTABLISHED})

(
    DATA, INIT_EVENT, INIT_ACK, COOKIE_ECHO, COOKIE_ACK, SHUTDOWN, SHUTDOWN_ACK, SHUTDOWN_COMPLETE,
    ERROR, ABORT,
) = range(10)  # fmt: skip

CHUNKS = {
    1: INIT_EVENT, 2: INIT_ACK, 6: ABORT, 7: SHUTDOWN, 8: SHUTDOWN_ACK, 9: ERROR, 10: COOKIE_ECHO,
    11: COOKIE_ACK, 14: SHUTDOWN_COMPLETE,
}  # fmt: skip
"""Chunk types of RFC 9260 to events; any other is data."""


def event(first: int, second: int | None) -> int:
    """The event of a packet by its first chunk type; COOKIE chunks followed by ABORT count as ABORT."""
    if first in (10, 11) and second == 6:
        return ABORT
    return CHUNKS.get(first, DATA)


_OPEN = frozenset(range(len(NAMES)))
_Change = dict[tuple[int, frozenset[int]], int]

_BOTH: _Change = {
    (INIT_EVENT, _OPEN - {NONE, INIT1, ESTABLISHED}): INIT1,
    (INIT_EVENT, frozenset({NONE})): INIT1,
    (INIT_EVENT, frozenset({INIT1})): INIT,
    (ABORT, _OPEN): CLOSED,
}
_CHANGES: tuple[_Change, _Change, _Change] = (
    _BOTH
    | {
        (COOKIE_ECHO, frozenset({NONE, INIT1, INIT, COOKIE_SENT, COOKIE_REPLIED, CLOSED})): COOKIE_REPLIED,
        (COOKIE_ACK, frozenset({COOKIE_WAIT, COOKIE, COOKIE_ECHOED})): ESTABLISHED,
        (SHUTDOWN, frozenset({ESTABLISHED, SHUTDOWN_SENT, COOKIE_REPLIED})): SHUTDOWN_RECEIVED,
        (SHUTDOWN_ACK, frozenset({SHUTDOWN_SENT, SHUTDOWN_ACK_SENT})): CLOSED,
        (SHUTDOWN_COMPLETE, frozenset({SHUTDOWN_ACK_SENT})): CLOSED,
        (ABORT, frozenset({COOKIE_WAIT})): REJECTED,
    },
    {
        (INIT_EVENT, frozenset({NONE, CLOSED})): COOKIE_WAIT,
        (INIT_ACK, frozenset({NONE, INIT1, INIT, COOKIE_SENT})): COOKIE_SENT,
        (COOKIE_ACK, frozenset({COOKIE_REPLIED, COOKIE_SENT})): ESTABLISHED,
        (COOKIE_ECHO, frozenset({COOKIE_WAIT, COOKIE})): COOKIE_ECHOED,
        (SHUTDOWN, frozenset({ESTABLISHED, SHUTDOWN_RECEIVED})): SHUTDOWN_SENT,
        (SHUTDOWN_ACK, frozenset({ESTABLISHED, SHUTDOWN_SENT, SHUTDOWN_RECEIVED})): SHUTDOWN_ACK_SENT,
        (SHUTDOWN_COMPLETE, frozenset({SHUTDOWN_SENT, SHUTDOWN_RECEIVED})): CLOSED,
        (ABORT, _OPEN): CLOSED,
        (ABORT, frozenset({INIT1})): REJECTED,
    },
    _BOTH
    | {
        (COOKIE_ECHO, _OPEN - {ESTABLISHED}): ESTABLISHED,
        (SHUTDOWN, frozenset({ESTABLISHED})): SHUTDOWN_RECEIVED,
        (SHUTDOWN_ACK, frozenset({SHUTDOWN_SENT, SHUTDOWN_RECEIVED, SHUTDOWN_ACK_SENT})): CLOSED,
        (SHUTDOWN_COMPLETE, frozenset({SHUTDOWN_RECEIVED, SHUTDOWN_ACK_SENT})): CLOSED,
        (ABORT, frozenset({COOKIE_WAIT})): REJECTED,
    },
)


def _table(changes: _Change) -> tuple[tuple[int, ...], ...]:
    """All events by all states; a later entry of `changes` overrides an earlier one."""
    rows = [list(range(len(NAMES))) for _ in range(10)]
    for (happened, states), new in changes.items():
        for state in states:
            rows[happened][state] = new
    return tuple(tuple(row) for row in rows)


TABLE = tuple(_table(changes) for changes in _CHANGES)
"""`TABLE[direction][event][state]` is the new state."""

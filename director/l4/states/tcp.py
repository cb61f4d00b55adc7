"""TCP as a director sees it: events, states, transitions, timeouts as data (`lvs-semantics` D.1, D.2).

`flows` and `forwarder` index the tables; nothing is computed here.  A row holds the new state for
each old state, in the order of the states' numbers.
"""

from __future__ import annotations

from director.caches import remember

NONE, ESTABLISHED, SYN_SENT, SYN_RECV, FIN_WAIT, TIME_WAIT, CLOSE, CLOSE_WAIT, LAST_ACK, LISTEN, SYNACK = (
    range(11)
)

NAMES = (
    "NONE", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT", "TIME_WAIT", "CLOSE", "CLOSE_WAIT",
    "LAST_ACK", "LISTEN", "SYNACK",
)  # fmt: skip
"""The names that tools show, by number."""

TIMEOUTS = (2.0, 900.0, 120.0, 60.0, 120.0, 120.0, 10.0, 60.0, 30.0, 120.0, 120.0)
"""Seconds an entry lives after its last packet, by state (D.1)."""

ACTIVE = frozenset({ESTABLISHED, SYN_SENT, SYN_RECV, SYNACK})
"""States that count as active connections (B.6)."""

SYN_EVENT, FIN_EVENT, ACK_EVENT, RST_EVENT, NO_EVENT = range(5)


def _event(flags: int) -> int:
    """The first that applies: RST, SYN, FIN, ACK; else none of them."""
    for bit, event in ((4, RST_EVENT), (2, SYN_EVENT), (1, FIN_EVENT), (16, ACK_EVENT)):
        if flags & bit:
            return event
    return NO_EVENT


EVENTS = tuple(_event(flags) for flags in range(256))
"""The event of a packet, by its flags byte."""

_SHORT = {
    "NO": NONE, "ES": ESTABLISHED, "SS": SYN_SENT, "SR": SYN_RECV, "FW": FIN_WAIT, "TW": TIME_WAIT,
    "CL": CLOSE, "CW": CLOSE_WAIT, "LA": LAST_ACK, "LI": LISTEN, "SA": SYNACK,
}  # fmt: skip


def _rows(*rows: str) -> tuple[tuple[int, ...], ...]:
    """Rows for syn, fin, ack, rst; a packet with none of these flags closes from any state."""
    return (*(tuple(_SHORT[word] for word in row.split()) for row in rows), (CLOSE,) * len(NAMES))


Rows = tuple[tuple[int, ...], ...]

NORMAL: tuple[Rows, Rows, Rows] = (
    _rows(
        # NO ES SS SR FW TW CL CW LA LI SA
        "SR ES ES SR SR SR SR SR SR SR SR",
        "CL CW SS TW TW TW CL CW LA LI TW",
        "ES ES SS ES FW TW CL CW CL LI ES",
        "CL CL CL SR CL CL CL CL LA LI SR",
    ),
    _rows(
        "SS ES SS SR SS SS SS SS SS LI SR",
        "TW FW SS TW FW TW CL TW LA LI TW",
        "ES ES SS ES FW TW CL CW LA ES ES",
        "CL CL SS CL CL TW CL CL CL CL CL",
    ),
    _rows(
        "SR ES ES SR SR SR SR SR SR SR SR",
        "CL FW SS TW FW TW CL CW LA LI TW",
        "ES ES SS ES FW TW CL CW CL LI ES",
        "CL CL CL SR CL CL CL CL LA LI CL",
    ),
)
"""`NORMAL[direction][event][state]` is the new state."""

SECURE: tuple[Rows, Rows, Rows] = (
    _rows(
        "SR ES ES SR SR SR SR SR SR SR SA",
        "CL CW SS TW TW TW CL CW LA LI SA",
        "ES ES SS SR FW TW CL CW CL LI SA",
        "CL CL CL SR CL CL CL CL LA LI CL",
    ),
    _rows(
        "SS ES SS SA SS SS SS SS SS LI SA",
        "TW FW SS TW FW TW CL TW LA LI TW",
        "ES ES SS ES FW TW CL CW LA ES ES",
        "CL CL SS CL CL TW CL CL CL CL CL",
    ),
    _rows(
        "SA ES ES SR SA SA SA SA SA SA SA",
        "CL FW SS TW FW TW CL CW LA LI TW",
        "ES ES SS ES FW TW CL CW CL LI ES",
        "CL CL CL SR CL CL CL CL LA LI CL",
    ),
)
"""The same for secure_tcp: a client cannot reach ESTABLISHED by its own ACK."""


def timeouts(tcp: float = 0.0, fin: float = 0.0) -> tuple[float, ...]:
    """`TIMEOUTS` with other seconds for ESTABLISHED and FIN_WAIT; 0 leaves one as it is (`--set`)."""
    changed = list(TIMEOUTS)
    changed[ESTABLISHED] = tcp or changed[ESTABLISHED]
    changed[FIN_WAIT] = fin or changed[FIN_WAIT]
    return tuple(changed)


@remember("state_keeping", 2)
def keeps_state(tables: tuple[Rows, Rows, Rows]) -> tuple[tuple[bytes, ...], ...]:
    """By direction and state: 256 bytes, 1 for each flags byte without SYN that keeps the state."""
    return tuple(
        tuple(
            bytes(not flags & 2 and rows[EVENTS[flags]][state] == state for flags in range(256))
            for state in range(len(NAMES))
        )
        for rows in tables
    )

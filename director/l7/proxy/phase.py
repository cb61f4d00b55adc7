"""The phases of an exchange, and the constants that its parts share."""

from __future__ import annotations

import enum

from director.model.pools import PoolTimeouts

IDEMPOTENT = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"))
"""Methods that may be sent again (RFC 9110 9.2.2)."""
DEFAULT_TIMEOUTS = PoolTimeouts()
"""For targets that belong to no pool (a local server of the fault path)."""


class Phase(enum.Enum):
    """What an exchange waits for, in the order of a request's life."""

    QUEUE = "a server with room"
    CONNECT = "a connection to the server"
    ANSWER = "the head of the final answer"
    BODY = "the rest of the answer's body"
    TUNNEL = "octets either way, unread"
    OVER = "nothing: it has been counted and recorded"


QUEUE, CONNECT, ANSWER, BODY, TUNNEL, OVER = Phase
"""The members as names of the module: reading them from the class takes eight times as long (3.11)."""

"""A connection as one director tells another of it (`lvs-semantics` B.1, B.9, J), whatever the octets.

Layer 4 makes these of its flows and flows of these; `sync` makes messages of them.
"""

from __future__ import annotations

from typing import NamedTuple

from attrs import frozen

MASQ, LOCALNODE, TUNNEL, DROUTE, BYPASS = range(5)
"""Forwarding methods, the lowest bits of the flags."""
FORWARD = 0x7
NOOUTPUT, INACTIVE, OUT_SEQ, IN_SEQ, NO_CPORT, TEMPLATE = 0x80, 0x100, 0x200, 0x400, 0x800, 0x1000
TOLD = FORWARD | NOOUTPUT | INACTIVE | OUT_SEQ | IN_SEQ | NO_CPORT | TEMPLATE
"""The flags that directors tell each other (B.1)."""


class Sequence(NamedTuple):
    """How sequence numbers of one direction are moved (G.2).

    Those after `start` by `change`, the others by `previous`.
    """

    start: int
    change: int
    previous: int


@frozen
class SyncedConnection:
    """One connection, or a persistence template (`flags` & TEMPLATE).

    Addresses are packed and of one family.  `state` is a number of the protocol's table, `timeout` seconds,
    None where the message has none; `data` is the persistence engine's, for the engine named.
    """

    protocol: int
    client: bytes
    cport: int
    virtual: bytes
    vport: int
    target: bytes
    dport: int
    flags: int = 0
    state: int = 0
    mark: int = 0
    timeout: int | None = None
    incoming: Sequence | None = None
    outgoing: Sequence | None = None
    engine: str = ""
    data: bytes = b""

"""Which packets of a connection are a reason to tell others of it (`lvs-semantics` J.4).

Telling of each packet would double the work, telling of the first only would leave others with a state
and an end of long ago.  So one is told of when it has proved itself (`threshold`), once in a while
(`period`, or `refresh` when its end has moved), and when its state changes to one that others must know.
"""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from attrs import frozen

TCP, SCTP = 6, 132
WATCHED = {TCP: frozenset({1, 4, 5, 6, 7}), SCTP: frozenset({8, 9, 10, 11, 13})}
"""States that others are told of: of TCP ESTABLISHED and the closing ones but LAST_ACK, of SCTP
ESTABLISHED, the three of SHUTDOWN, and CLOSED."""
ESTABLISHED = {TCP: 1, SCTP: 8}
LEAST = 10.0
"""Seconds; below this much of an end's moving half a timeout does not count (J.4, rule 2)."""


@frozen
class SyncPolicy:
    """The sysctls of C.7: `threshold` and `period` are `sync_threshold`, times are seconds."""

    threshold: int = 3
    period: int = 50
    refresh: float = 0.0
    retries: int = 0
    templates_only: bool = False


class Told(NamedTuple):
    """What was last told of a connection: its state and end, when, and how often again since.

    Times are monotonic seconds.
    """

    state: int = 0
    end: float = -inf
    at: float = -inf
    retries: int = 0


NEVER = Told()


@frozen
class About:
    """What the decision looks at: `template` for one, `placed` for a connection under a template."""

    protocol: int
    state: int
    timeout: float
    template: bool = False
    placed: bool = False


def decide(policy: SyncPolicy, about: About, packets: int, last: Told, now: float) -> Told | None:
    """What is told at its packet number `packets`, to be remembered; None when nothing is."""
    end = now + about.timeout
    watched = None if about.template else WATCHED.get(about.protocol)
    if about.placed and policy.templates_only:
        return None
    if watched is not None:
        if about.state not in watched:
            return None
        if about.state not in (last.state, ESTABLISHED[about.protocol]):
            return Told(about.state, end, now)
    retries = 0
    if policy.refresh > 0 and abs(end - last.end) < min(policy.refresh, max(about.timeout / 2, LEAST)):
        if last.retries >= policy.retries or now - last.at < policy.refresh / 8:
            return None
        retries = last.retries + 1
    if policy.period > 0:
        if not about.template and packets % policy.period != policy.threshold:
            return None
    elif policy.refresh == 0 and packets != policy.threshold:
        return None
    return Told(about.state, end, now, retries)

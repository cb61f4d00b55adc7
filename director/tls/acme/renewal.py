"""When a certificate is due, and when to try again.

A certificate is renewed when a third of its life is left (30 of 90 days, as authorities recommend), so that
weeks of trouble pass before it ends.  Who fails waits longer each time, up to a day: authorities count
failures by the hour, and lock out who asks too often.
"""

from __future__ import annotations

LEFT = 3
"""Renewed when one part in so many of its life is left."""
FIRST_WAIT = 60.0
"""Seconds until the second try; each further one waits three times as long."""
LONGEST_WAIT = 86400.0
SPREAD = 0.25
"""Directors that failed together do not ask together: a wait is so much longer at most."""


def is_due(begins: float, ends: float, now: float) -> bool:
    """Whether it is time for the next one; all in Unix seconds."""
    return now >= ends - (ends - begins) / LEFT


def wait(failures: int, chance: float, asked: float = 0.0) -> float:
    """Seconds to wait behind so many failures in a row; `chance` is from 0 to 1.

    `asked` is what the authority itself asked for (Retry-After, RFC 8555 6.6).
    """
    steps = min(failures - 1, 10)
    seconds = min(FIRST_WAIT * 3.0**steps, LONGEST_WAIT) * (1 + SPREAD * chance)
    return max(seconds, min(asked, LONGEST_WAIT))

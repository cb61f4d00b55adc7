"""When a reload that waits for its confirmation is to be taken back at once.

Pure.  A `Sight` is what is seen of a registry at a moment; a `ReloadGuard` holds the sight of now against
those of before the reload, so that what was bad already is not blamed on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from attrs import frozen

from director.errors import DirectorError
from director.model.pools import State

DEFAULT = "5xx > 20%, healthy < 50%"
ENOUGH = 20
"""Answers since the reload before their share says something."""
WORSE = 2.0
"""Times the share of before that counts as the reload's doing."""
_PART = re.compile(r"(?:(5xx) *>|(healthy) *<) *([0-9]{1,3}(?:\.[0-9]+)?) *%")


class Seen(Protocol):
    """What is looked at of a registry."""

    @property
    def services(self) -> Mapping[str, Any]:
        """Live services by key."""

    def servers(self) -> Iterable[Any]:
        """All live servers."""


@frozen
class Sight:
    """Final answers of layer 7 so far and those of class 5xx; checked servers, and those of them that are up.

    Servers in maintenance are not counted.
    """

    answers: int = 0
    failed: int = 0
    servers: int = 0
    healthy: int = 0

    @property
    def health(self) -> float:
        """The share of servers that are up; 1 without any."""
        return self.healthy / self.servers if self.servers else 1.0

    def failing(self, since: Sight) -> float | None:
        """The share of 5xx among the answers that came after `since`; None for too few."""
        answers = self.answers - since.answers
        return max(0, self.failed - since.failed) / answers if answers >= ENOUGH else None


def sight(registry: Seen) -> Sight:
    """What is seen now."""
    requests = [one.requests.responses for one in registry.services.values()]
    checked = [one for one in registry.servers() if one.pool.config.checks and one.state is not State.MAINT]
    return Sight(
        sum(sum(one) for one in requests),
        sum(one[5] for one in requests),
        len(checked),
        sum(one.available for one in checked),
    )


@frozen
class ReloadGuard:
    """Bounds as shares, None = none; `text` is what was asked for."""

    text: str = "off"
    failing: float | None = None
    health: float | None = None

    def crossed(self, before: Sight, begun: Sight, now: Sight) -> str:
        """Why the reload must go, as a sentence; empty when it may stay.

        `before` is a sight of about a minute before the reload, `begun` the one right before it.
        """
        failing = now.failing(begun)
        if self.failing is not None and failing is not None:
            usual = begun.failing(before) or 0.0
            if failing > max(self.failing, usual * WORSE):
                return f"{failing:.0%} of the answers since then are 5xx ({usual:.0%} before)"
        if self.health is not None and now.health < min(self.health, begun.health):
            return f"{now.healthy} of {now.servers} checked servers are up ({begun.health:.0%} before)"
        return ""


def guard(text: str) -> ReloadGuard:
    """`5xx > 20%, healthy < 50%`, either, or `off`.  Raises DirectorError."""
    if text.strip() == "off":
        return ReloadGuard()
    found: dict[str, float] = {}
    for part in text.split(","):
        match = _PART.fullmatch(part.strip())
        if match is None:
            raise DirectorError(f"a guard is off, or such as {DEFAULT}; not {part.strip()[:40]!r}")
        found["failing" if match[1] else "health"] = float(match[3]) / 100
    return ReloadGuard(text.strip(), **found)

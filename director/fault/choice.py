"""Which of the requests that come by are hit: by number, never by chance.

A share is decided by a hash of the fault's seed and the request's number, so the same seed hits the same
requests again, in whatever order answers come.  A number is the request's own (a drill numbers its requests)
or, where it has none, its place among those that came by.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from director.model.drills import FaultHit

_WHOLE = 2.0**64


def drawn(seed: int, what: str) -> float:
    """A number from 0 to 1 (excluded) that only seed and text decide."""
    digest = blake2b(f"{seed} {what}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / _WHOLE


class HitRule:
    """The rules of one fault's `hit`, and what they have counted since it was started.

    Attributes:
        seen: requests that came by.
        hits: those of them that were hit.
    """

    __slots__ = ("_hit", "_seed", "hits", "seen")

    def __init__(self, hit: FaultHit, seed: int) -> None:
        self._hit = hit
        self._seed = seed
        self.seen = self.hits = 0

    def take(self, number: str = "") -> bool:
        """One more comes by; is it hit?  `number` is its own, if it has one."""
        self.seen += 1
        hit = self._hit
        chosen = (
            (hit.most is None or self.hits < hit.most)
            and (hit.first is None or self.seen <= hit.first)
            and self.seen % hit.every == 0
            and (hit.share >= 1.0 or drawn(self._seed, number or str(self.seen)) < hit.share)
        )
        self.hits += chosen
        return chosen

"""Consistent hashing of any fact of a request: `hash(cookie sid)`, `hash(path) bounded`, `hash(client)`.

Rendezvous hashing (Thaler and Ravishankar, 1998) with weights (Schindelhauer and Schomaker, 2005): every
server gets a score from the key and its own name, the best score wins.  So when a server comes or goes, in
the pool or in the eligible set, only the keys that it wins or lost move.  The cost is one multiplication
per eligible server; for thousands of servers use mh.

`bounded` (Mirrokni, Thorup and Zadimoghaddam, 2016): a server that holds 1.25 times its share of the active
requests is passed over for the key's next best.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from math import ceil, log
from random import Random

from director.errors import SchedulerError
from director.interfaces import IKey, IServer
from director.scheduling.base import Explanation, Scheduler
from director.scheduling.hashing import MASK64, text_number

BOUND = 1.25
"""How far above its share a server may go with `bounded`; the value the paper's users settled on."""

Reading = Callable[[IKey], str | None]

PLAIN: dict[str, Reading] = {
    "client": lambda key: key.client,
    "virtual": lambda key: key.virtual,
    "host": lambda key: key.host,
    "path": lambda key: key.path,
    "uri": lambda key: key.uri,
    "method": lambda key: key.method,
}
NAMED: dict[str, Callable[[str], Reading]] = {
    "header": lambda name: lambda key: key.header(name.lower()),
    "cookie": lambda name: lambda key: key.cookie(name),
    "query": lambda name: lambda key: key.query(name),
}
GROUP = re.compile(r"(?:path\.|group )(\d{1,2})")


def reading(expression: str) -> Reading:
    """What `hash(expression)` reads from a key; None when the request has no such fact.

    An empty expression reads nothing: then only a rule's own `hash =` gives a value.
    Raises SchedulerError that lists the forms.
    """
    text = " ".join(expression.split())
    if not text:
        return _nothing
    if text in PLAIN:
        return PLAIN[text]
    if found := GROUP.fullmatch(text):
        number = int(found[1])
        return lambda key: key.group(number)
    kind, _, name = text.partition(" ")
    if kind in NAMED and name and " " not in name:
        return NAMED[kind](name)
    forms = ", ".join((*PLAIN, *(f"{each} NAME" for each in NAMED), "path.N", "group N"))
    raise SchedulerError(f"hash({expression}): nothing of a request is called so; write one of: {forms}")


def _nothing(key: IKey) -> None:
    """No value, whatever the request."""


class RendezvousHash(Scheduler):
    """hash: the server with the best weighted score for a fact of the request.

    A rule's own hash value (`hash = path.1`) comes before the expression.  None when the request lacks the
    fact: `hash(cookie sid) else wlc` says who picks then.
    """

    def __init__(
        self, argument: str = "", flags: frozenset[str] = frozenset(), random: Random | None = None
    ) -> None:
        super().__init__(argument, flags, random)
        self.read = reading(argument)
        self._among: Sequence[IServer] | None = None
        self._seeds: list[tuple[IServer, int]] = []
        self._seed_of: dict[str, int] = {}
        self._alike = True

    def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        """The best score among the servers, with `bounded` among those below their bound."""
        value = self.value(key)
        if value is None:
            return None
        if self.stale or servers is not self._among:
            self._prepare(servers)
        seeds = self._seeds
        if "bounded" in self.flags:
            seeds = self._with_room(servers)
        number = text_number(value)
        if self._alike:
            return max(seeds, key=lambda each: number * each[1] & MASK64)[0]
        return max(seeds, key=lambda each: score(number, each[1], each[0].weight))[0]

    def value(self, key: IKey) -> str | None:
        """What is hashed for this request; None when it has nothing to hash."""
        value = key.hash_key
        if value is None:
            value = self.read(key)
        return value or None

    def explain(self, servers: Sequence[IServer], key: IKey, now: float) -> Explanation:
        """The scores; the best (nearest to zero) wins."""
        value = self.value(key)
        if value is None:
            return tuple((server.name, "the request has nothing to hash") for server in servers)
        number = text_number(value)
        return tuple(
            (each.name, f"score {score(number, seed(each), each.weight):.4g} for {value!r}")
            for each in servers
        )

    def _prepare(self, servers: Sequence[IServer]) -> None:
        if self.stale:
            known = self._seed_of
            self._seed_of = {each.name: known.get(each.name) or seed(each) for each in self.roster}
        known = self._seed_of
        self._seeds = [(server, known.get(server.name) or seed(server)) for server in servers]
        self._alike = len({server.weight for server in servers}) == 1
        # A list may change behind our back, so only a tuple is remembered.
        self._among = servers if isinstance(servers, tuple) else None
        self.stale = False

    def _with_room(self, servers: Sequence[IServer]) -> list[tuple[IServer, int]]:
        active = sum(server.active for server in servers) + 1
        share = BOUND * active / sum(server.weight for server in servers)
        return [each for each in self._seeds if each[0].active < ceil(share * each[0].weight)]


def seed(server: IServer) -> int:
    """The odd multiplier that makes a server's scores; from its name, so an address may change."""
    return text_number(server.name) | 1


def score(number: int, multiplier: int, weight: int) -> float:
    """ln(u) / weight with u uniform in (0, 1): the greatest is won in proportion to the weights."""
    uniform = ((number * multiplier & MASK64) + 0.5) / 2.0**64
    return log(uniform) / weight if uniform < 1.0 else 0.0

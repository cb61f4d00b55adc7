"""What happens in one simulated run, as values: who asks what, what goes wrong, what an operator does.

A schedule follows from its seed and the configuration (`drawing`), can be made smaller (`shrinking`), and
reads as steps.  Times are seconds from the start of the run.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter

from attrs import frozen

LEAVES = {
    "end": "ends its side behind the last request",
    "half": "ends its side in the midst of the last request",
    "junk": "sends junk instead of the last request",
}


@frozen
class PlannedAsk:
    """One request, and what its answer shall be.

    `upload` are the octets of its body, `chunked` how they are sent; `expect` waits for a 100 before them,
    `once` says that the connection ends.  `size`, `framing` (`length`, `chunked`, `close`), `think` (seconds)
    and `hints` (interim answers before it) are what the server is asked for.
    """

    method: str
    host: str
    target: str
    size: int = 20
    framing: str = "length"
    think: float = 0.0
    upload: int = 0
    chunked: bool = False
    expect: bool = False
    once: bool = False
    hints: int = 0

    def __str__(self) -> str:
        text = f"{self.method} http://{self.host}{self.target}"
        if self.upload:
            text += f" with {self.upload} octets{' in chunks' if self.chunked else ''}"
        text += " expecting 100" if self.expect else ""
        text += " and no more" if self.once else ""
        asked = [f"{self.size} octets"] if self.size != 20 else []
        asked += [f"framed by {self.framing}"] if self.framing != "length" else []
        asked += [f"after {self.think:g}s"] if self.think else []
        asked += [f"{self.hints} interim"] if self.hints else []
        return f"{text} (answer: {', '.join(asked)})" if asked else text


@frozen
class ClientPlan:
    """One client: it connects to a service, asks one thing after the other, and leaves.

    `pause` are the seconds between an answer and the next request; `pipelined` sends all at once; `cut`
    is how long the pieces are in which it sends (0 = whole), `rest` how long it waits between them; `slow`
    how long it takes nothing behind each read; `leaves` is `abort` (a reset, `after` seconds), `end` (FIN
    behind its last request), `half` (FIN in the midst of it), `junk` (octets that are no request, instead of
    it) or nothing.  `alike`: all its requests have the same head.
    `speaks` is `h1` or `h2` (with prior knowledge, each request a stream of its own).
    """

    number: int
    at: float
    service: str
    asks: tuple[PlannedAsk, ...]
    pause: float = 0.0
    pipelined: bool = False
    cut: int = 0
    rest: float = 0.0
    slow: float = 0.0
    leaves: str = ""
    after: float = 0.0
    alike: bool = False
    speaks: str = "h1"

    def __str__(self) -> str:
        how = ["by HTTP/2"] if self.speaks == "h2" else []
        how += ["all at once"] if self.pipelined else []
        how += [f"{self.pause:g}s between"] if self.pause and len(self.asks) > 1 else []
        how += [f"in pieces of {self.cut}, {self.rest:g}s between"] if self.cut else []
        how += [f"reads every {self.slow:g}s"] if self.slow else []
        how += [f"resets after {self.after:g}s"] if self.leaves == "abort" else []
        how += [LEAVES[self.leaves]] if self.leaves in LEAVES else []
        said = f"; {', '.join(how)}" if how else ""
        return f"client {self.number} to {self.service}: {' | '.join(map(str, self.asks))}{said}"


@frozen
class Trouble:
    """What a played server does wrong from `at` to `until`; `kind` is a word of `servers.TROUBLES`."""

    at: float
    server: str
    kind: str
    until: float
    number: float = 0.0

    def __str__(self) -> str:
        size = f" {self.number:g}" if self.number else ""
        return f"server {self.server}: {self.kind}{size} until {self.until:g}s"


@frozen
class PlannedOrder:
    """What an operator does: `verb` is a word of `orders.VERBS`."""

    at: float
    verb: str
    pool: str = ""
    server: str = ""
    number: float = 0

    def __str__(self) -> str:
        where = f" {self.pool}/{self.server}" if self.server else f" {self.pool}" if self.pool else ""
        return f"operator: {self.verb}{where}{f' {self.number:g}' if self.number else ''}"


@frozen
class Schedule:
    """One run; `absent` are servers (pool, name) of the configuration that are left out."""

    seed: int
    clients: tuple[ClientPlan, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    orders: tuple[PlannedOrder, ...] = ()
    absent: tuple[tuple[str, str], ...] = ()

    @property
    def requests(self) -> int:
        """How many are asked."""
        return sum(len(client.asks) for client in self.clients)

    def steps(self) -> Iterator[str]:
        """All of it, in the order of time."""
        if self.absent:
            yield f"without {', '.join(f'{pool}/{name}' for pool, name in self.absent)}"
        timed = [(one.at, str(one)) for one in self.clients]
        timed += [(one.at, str(one)) for one in self.troubles]
        timed += [(one.at, str(one)) for one in self.orders]
        yield from (f"{at:7.3f}s  {text}" for at, text in sorted(timed, key=itemgetter(0)))

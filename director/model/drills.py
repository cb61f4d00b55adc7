"""Faults that are injected on purpose (`[fault:NAME]`), and drills that rehearse with them."""

from __future__ import annotations

from attrs import frozen

from director.model.conditions import Condition


@frozen
class FaultAction:
    """What a fault does: `kind` is its word in the ini, the rest what stands behind it there.

    `size` is in octets (`reset after`, `truncate`) or a status; `low` and `high` are seconds of a delay, with
    `sigma` the median of one that is log-normal, and `times` says to delay by so many times what the server
    took before; `rate` is in octets a second; `share` is how many of a flow's packets meet it; `retry_after`
    in seconds; `word` says which of its kind it is (`tls`, `dns`, `lie`, `garbage chunk`).  `text` is as
    written.
    """

    kind: str
    text: str
    size: int | None = None
    low: float = 0.0
    high: float = 0.0
    rate: float = 0.0
    share: float = 1.0
    retry_after: float | None = None
    sigma: float = 0.0
    times: float = 0.0
    word: str = ""

    def __str__(self) -> str:
        return self.text

    @property
    def old_address(self) -> str:
        """Of `dns old`: where a name leads; else ""."""
        return "" if self.kind != "dns" or self.word in {"empty", "flapping"} else self.word


@frozen
class FaultHit:
    """Which of the requests (of layer 4: flows) that come by are hit; what is given must all hold.

    `first` of them, each `every`-th, a `share` of them, no more than `most` in one run of the fault.
    """

    first: int | None = None
    every: int = 1
    share: float = 1.0
    most: int | None = None
    text: str = ""

    def __str__(self) -> str:
        return self.text


@frozen
class Fault:
    """One fault.

    `servers` are (pool, server); a server "" stands for all of the pool.  Without a `seed` each start draws
    one.  `ttl` is in seconds; `checks` says that health checks meet it, too.
    """

    name: str
    servers: tuple[tuple[str, str], ...]
    action: FaultAction
    when: Condition | None = None
    hit: FaultHit = FaultHit()
    seed: int | None = None
    ttl: float = 60.0
    checks: bool = False

    @property
    def places(self) -> tuple[str, ...]:
        """Where it is, as written: `web/a`, `pool web`."""
        return tuple(f"{pool}/{server}" if server else f"pool {pool}" for pool, server in self.servers)


@frozen
class LoadLine:
    """Requests of a drill's own: so many a second of one kind."""

    rate: float
    method: str
    uri: str


@frozen
class DrillStep:
    """What happens at a second of a drill: `verb` with the names behind it (faults, or POOL/SERVER)."""

    at: float
    verb: str
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.verb} {', '.join(self.names)}" if self.names else self.verb


@frozen
class DrillTerm:
    """One thing that is expected (or, as a reason to halt, feared): `metric operator value`.

    `metric` `by` has `names`, who may answer; `within` is in seconds of its phase.  Shares are from 0 to 1,
    times in seconds.  `untagged` speaks of requests that are not the drill's own.
    """

    text: str
    metric: str
    operator: str = ">="
    value: float = 0.0
    names: tuple[str, ...] = ()
    within: float | None = None
    untagged: bool = False

    def __str__(self) -> str:
        return self.text


@frozen
class Expectation:
    """A term, and the phase in which it must hold (`baseline`, `during`, `after`)."""

    phase: str
    term: DrillTerm


@frozen
class Drill:
    """One drill.  Without `load` the real traffic of the service is what is looked at."""

    name: str
    service: str
    steps: tuple[DrillStep, ...]
    load: tuple[LoadLine, ...] = ()
    expect: tuple[Expectation, ...] = ()
    halt: tuple[DrillTerm, ...] = ()
    seed: int | None = None
    ttl: float = 120.0


@frozen
class Injected:
    """What one request, packet or probe meets: of which fault, what it does, for a delay how long (seconds).

    `packets`: it is the packets of a probe that meet it.
    """

    fault: str
    action: FaultAction
    delay: float = 0.0
    packets: bool = False


@frozen
class RunningFault:
    """A fault that was started: its seed, and the monotonic second at which it ends by itself."""

    fault: Fault
    seed: int
    began: float
    ends: float
    author: str = ""

"""What a drill saw: one `DrillRequest` for each request, and a `RunRecord` of the whole run.

Pure values; `judging` reads them, `sheet` prints them, the shell fills them in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import field, frozen, mutable

from director.model.drills import FaultHit

BASELINE, INJECT, HEAL, RECOVER = PHASES = ("baseline", "inject", "heal", "recover")
"""The phases of a run.  `heal` lasts from the healing until every server takes work again that did before."""
WINDOWS = {"baseline": (BASELINE,), "during": (INJECT,), "after": (HEAL, RECOVER)}
"""The phases that an expectation speaks of."""
GOOD_ENDS = frozenset({"ok", "fault", "redirect", "respond", "max_forwards"})
"""Outcomes of a request that somebody answered: a server, a rule, or a step of the fault path."""
BUILT_IN = "built-in page"
USERS = 10
"""Users that a line of the load stands for: each keeps its cookies."""


@mutable
class DrillRequest:
    """One request.

    Attributes:
        number: its place in the load, from 1 on; `line` is the line of the load, `user` who sent it.
        due, sent: seconds since the begin; `seconds`: how long it took to its end, or until nobody waited.
        whole: a whole response came; `error` says what came instead.
        surplus: octets came behind the response.
        trace: how the director decided, None when it does not remember the request.
    """

    number: int
    sent: float
    phase: str
    line: int = 0
    due: float = 0.0
    user: int = 0
    asked: str = ""
    status: int = 0
    seconds: float = 0.0
    whole: bool = False
    error: str = ""
    surplus: bool = False
    identity: str = ""
    trace: dict[str, Any] | None = field(default=None, repr=False)

    @property
    def server(self) -> str:
        """POOL/SERVER that answered, "" for none; a server of the fault path has its step instead."""
        trace = self.trace
        if trace is None or not trace["server"] or trace["fault"] or trace["outcome"] != "ok":
            return ""
        return f"{trace['pool']}/{trace['server']}"

    @property
    def fault(self) -> str:
        """The step of the fault path that answered, "" for none."""
        return "" if self.trace is None else str(self.trace["fault"])

    @property
    def tries(self) -> Sequence[Sequence[str]]:
        """(server, what came of it) of failed tries; a pool without servers is none."""
        found = () if self.trace is None else self.trace["tries"]
        return [one for one in found if not one[0].startswith("pool ")]

    @property
    def injected(self) -> Sequence[Sequence[str]]:
        """(server, fault) of tries that met one."""
        return () if self.trace is None else self.trace["injected"]

    @property
    def answered(self) -> bool:
        """Somebody answered, and whole: a server, a rule, a page of the user's own; not the built-in page."""
        if not self.whole:
            return False
        if self.trace is None:
            return self.status < 500
        return self.trace["outcome"] in GOOD_ENDS and self.fault != BUILT_IN

    @property
    def ok(self) -> bool:
        """The answer was a good one."""
        return self.answered and self.status < 400

    @property
    def sent_to(self) -> set[str]:
        """All servers that it went to, as POOL/SERVER."""
        if self.trace is None:
            return set()
        names = [one[0] for one in self.tries]
        if self.trace["server"] and not self.fault:
            names.append(self.trace["server"])
        return {f"{self.trace['pool']}/{name}" for name in names}

    def by(self, names: Sequence[str]) -> bool:
        """One of these answered: POOL/SERVER, or a step of the fault path (`active` for any server of it)."""
        known = (self.server, self.fault)
        return any(name in known or self.fault.startswith(f"{name} ") for name in names)

    @property
    def twice(self) -> bool:
        """Two answers: one more behind the first, or a server's after another server's was thrown away."""
        return self.surplus or any(what.startswith("status ") for _, what in self.tries)


@frozen
class Happening:
    """Something at a second of the run: `kind` is `step`, `server`, `fault` or `note`."""

    at: float
    kind: str
    text: str


@frozen
class FaultTold:
    """One fault of the run, and whom it hit: requests, and probes of checks."""

    name: str
    server: tuple[str, ...]
    do: str
    hit: FaultHit = field(factory=FaultHit)
    hits: int = 0
    checks: int = 0


@mutable
class RunRecord:
    """One run.

    Attributes:
        samples: in the order in which they were sent.
        begins: when each phase began; one that never did is not there.
        length: seconds of the whole run.
        marks: seconds from the first fault (`detect`, `page`) or the healing (`recover`) to the event; what
            never happened is not there.
        halted: why it was ended early, "" for never.
        untagged: (answers, 5xx) of requests that were not the drill's own, since the first fault.
        flows: by window, (kept, all) of the connections of layer 4 that were established before the first
            fault, as they were at the end of that window; nothing of windows that nobody asked about.
    """

    samples: list[DrillRequest] = field(factory=list)
    happenings: list[Happening] = field(factory=list)
    begins: dict[str, float] = field(factory=dict)
    length: float = 0.0
    marks: dict[str, float] = field(factory=dict)
    faults: list[FaultTold] = field(factory=list)
    halted: str = ""
    untagged: tuple[int, int] = (0, 0)
    flows: dict[str, tuple[int, int]] = field(factory=dict)

    def within(self, window: str) -> list[DrillRequest]:
        """The requests that were sent in a window (`during`)."""
        phases = WINDOWS[window]
        return [one for one in self.samples if one.phase in phases]

    def begin_of(self, window: str) -> float:
        """When a window began."""
        return min((self.begins[phase] for phase in WINDOWS[window] if phase in self.begins), default=0.0)

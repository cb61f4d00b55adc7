"""What the admin may ask of the running program: the one seam between them.

The admin and the command line never import a layer, the health room or the fault room.
The composition root implements `Control`; `admin.testing.MemoryControl` does so for
tests.  Values that cross the seam are frozen and defined here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

from attrs import field, frozen
from twisted.internet.defer import Deferred

from director.caches import CacheFigures
from director.registry.changes import Change
from director.registry.counters import Zeroable
from director.registry.registry import Generation, Registry

T = TypeVar("T")
Soon: TypeAlias = "T | Deferred[T]"
"""A value, or a Deferred of it: either is fine where a method says so."""


@frozen
class Moment:
    """Now on both clocks: `now` monotonic seconds, `time` seconds since the epoch for people."""

    now: float
    time: float

    def when(self, since: float) -> float:
        """The wall-clock time of a monotonic `since`."""
        return self.time - (self.now - since)


@frozen
class Listener:
    """One address of one service (`l7:NAME`, `l4:NAME` or `admin`); `error` says why it is not bound."""

    service: str
    address: str
    bound: bool = True
    error: str = ""


@frozen
class Event:
    """Something an operator may want to know: `level` is `info`, `warning` or `error`."""

    time: float
    level: str
    text: str


@frozen
class Readiness:
    """Ready for traffic when there is no reason against it.

    `since` has for each reason of which it is known when it began (monotonic seconds).
    """

    reasons: tuple[str, ...] = ()
    since: Mapping[str, float] = field(factory=dict)

    @property
    def ready(self) -> bool:
        """True when every listener is bound, a configuration runs and the director is not stopping."""
        return not self.reasons


@frozen
class Evidence:
    """What one check knows about one address.

    Attributes:
        alive: the verdict, None before the first.
        since: monotonic seconds of the verdict's last change.
        text: the last result in words, such as `503 Service Unavailable` or `connection refused`.
        last: up to ten last results, oldest first.
        seconds: how long the last check took, or None.
    """

    check: str
    address: str
    alive: bool | None = None
    since: float = 0.0
    text: str = ""
    last: tuple[bool, ...] = ()
    seconds: float | None = None


@frozen
class Connection:
    """One layer-4 flow or persistence template.

    Addresses are `ADDRESS:PORT` with IPv6 in brackets; a template has client port 0.  `forward` is in
    ipvsadm's words (Masq, Route, Tunnel, Local, Bypass), `expires` in seconds from now.
    """

    protocol: str
    client: str
    virtual: str
    target: str
    state: str
    expires: float
    service: str
    server: str
    forward: str
    packets: int
    template: bool


@frozen
class PacketFigures:
    """What layer 4 counts as a whole.

    Attributes:
        total: connections, packets and bytes of all services (`lvs-semantics` H).
        counters: drops and notable events by their reason, words of the code.
        flows: flows and templates in the table.
    """

    total: Zeroable
    counters: Mapping[str, int]
    flows: int


@frozen
class Problem:
    """One finding of a configuration check; `severity` is `error` or `warning`, `at` is file:line:column."""

    severity: str
    at: str
    message: str


@frozen
class Process:
    """The process itself; None where the system does not tell.

    Attributes:
        started: wall-clock time of the start.
        rss: resident bytes.
        stalls: how often the reactor was held up for more than 50 ms; `worst_stall` in seconds.
        lost: lines that could not be written, by log (`access`, `events`).
    """

    version: str
    started: float
    rss: int | None = None
    fds: int | None = None
    max_fds: int | None = None
    stalls: int = 0
    worst_stall: float = 0.0
    lost: Mapping[str, int] = field(factory=dict)


@frozen
class Question:
    """A request that was not made: what would be decided?  `service` may be empty: found by the URL."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    client: str = "127.0.0.1"
    service: str = ""


@frozen
class Applied:
    """What became of a change.

    `kept` is False when it is in force but would be lost at a restart.
    """

    generation: Generation
    kept: bool = True


TraceRecord: TypeAlias = Mapping[str, Any]
"""The trace of one request, with these keys.

`id service client method target host rule pool server fault outcome` are texts, empty when there is
nothing to say; `service` is the name without layer, `fault` the step that answered.  `time` is
wall-clock.  `sticky` is true when a cookie decided.  `scheduler candidates load weight` say how the
server was chosen, None when it was not.  `tries` holds (server, what came of it) of failed tries;
`status sent received` are numbers; `times` has `connect`, `first_byte` and `total` in seconds or None.
"""


class Control(Protocol):
    """The running program, as the admin sees it."""

    def moment(self) -> Moment:
        """Both clocks."""

    def snapshot(self) -> Registry:
        """What exists now; the admin only reads it."""

    def listeners(self) -> Sequence[Listener]:
        """Every address of every service, bound or not."""

    def readiness(self) -> Readiness:
        """May traffic come?"""

    def process(self) -> Process:
        """Memory, descriptors, stalls."""

    def checks(self) -> Sequence[Evidence]:
        """Health evidence, one for each (check, address)."""

    def events(self, limit: int) -> Sequence[Event]:
        """The last events, newest first."""

    def connections(self, limit: int) -> Sequence[Connection]:
        """Layer-4 flows and templates, at most `limit`, oldest first."""

    def packets(self) -> PacketFigures | None:
        """Layer 4 as a whole; None while it does not run."""

    def caches(self) -> Sequence[CacheFigures]:
        """What is remembered, and how it serves."""

    def traces(self, limit: int) -> Sequence[TraceRecord]:
        """The last requests, newest first."""

    def trace(self, identifier: str) -> TraceRecord | None:
        """One request by its id, or None when the ring has dropped it."""

    def explain(self, question: Question) -> TraceRecord:
        """Decide as for a real request, without sending one.

        Nothing is claimed or counted.  Raises DirectorError or TheirsError when it cannot be decided.
        """

    def config_text(self) -> str:
        """The merged ini: file and overlay, without secrets."""

    def check_config(self) -> Soon[Sequence[Problem]]:
        """Read the configuration file again and say what is wrong with it; nothing is applied."""

    @property
    def store_nonce(self) -> str:
        """Tells the store of this director from every other, for entity tags."""

    def unkept(self) -> str:
        """Why the last change would be lost at a restart; "" when it is kept."""

    def reload(self, author: str) -> Deferred[Applied]:
        """Apply the configuration file; fires when it is in force.

        Fails with a DirectorError or an OSError with nothing applied.
        """

    def rehearse_reload(self, author: str) -> Deferred[tuple[str, ...]]:
        """What `reload` would change, one sentence each; fails as `reload` would, and applies nothing."""

    def apply(self, changes: Iterable[Change], author: str) -> Deferred[Applied]:
        """Apply and remember changes; fires when they are in force.

        Fails with ChangeRefused or SchedulerError with nothing applied.
        """

    def undo(self, number: int, author: str) -> Deferred[Applied]:
        """Take back what a generation changed, also one of an earlier run, and nothing that came after it.

        Fails with ChangeRefused: ENOENT when it is not remembered, EINVAL when it cannot be undone.
        """

    def rehearse_undo(self, number: int) -> tuple[str, ...]:
        """What `undo` would change, one sentence each.  Raises as `undo` fails."""

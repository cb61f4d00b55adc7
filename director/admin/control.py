"""What the admin may ask of the running program: the one seam between them.

The admin and the command line never import a layer, the health room or the fault room.
The composition root implements `Control`; `admin.testing.MemoryControl` does so for
tests.  Only values cross the seam (`registry.snapshot`, `registry.reports`), for the program and its admin
need not be one process.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

from attrs import frozen
from twisted.internet.defer import Deferred

from director.caches import CacheFigures
from director.config.text.messages import Problem
from director.model.drills import Drill
from director.model.pools import Address
from director.model.settings import User
from director.registry.changes import Change
from director.registry.evidence import ServerEvidence
from director.registry.registry import Generation
from director.registry.reload_guard import DEFAULT
from director.registry.reports import (
    CheckEvidence,
    ConnectionPage,
    ConnectionQuery,
    FaultState,
    Instant,
    ListenerState,
    LogEvent,
    PacketFigures,
    ProcessFigures,
    Readiness,
    TLSFigures,
    WorkerFigures,
)
from director.registry.snapshot import RegistrySnapshot

T = TypeVar("T")
Soon: TypeAlias = "T | Deferred[T]"
"""A value, or a Deferred of it: either is fine where a method says so."""


@frozen
class Question:
    """A request that was not made: what would be decided?

    `service` may be empty: found by the URL.  `down` are servers, as POOL/SERVER, that shall seem down.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    client: str = "127.0.0.1"
    service: str = ""
    down: tuple[str, ...] = ()


@frozen
class PacketQuestion:
    """A packet that was not sent: its protocol and ends, and a firewall mark; `down` as in `Question`."""

    protocol: str
    client: Address
    virtual: Address
    mark: int = 0
    down: tuple[str, ...] = ()


@frozen
class Applied:
    """What became of a change.

    `kept` is False when it is in force but would be lost at a restart.
    """

    generation: Generation
    kept: bool = True


@frozen
class ConfirmWithin:
    """A reload shall be undone unless it is confirmed within so many seconds, or when `guard` is crossed."""

    seconds: float
    guard: str = DEFAULT


@frozen
class Succeeded:
    """The process that goes on after an upgrade, and its version."""

    pid: int
    version: str


@frozen
class WaitingReload:
    """A reload that waits for its confirmation: its generation, who asked for it, seconds left, its guard."""

    number: int
    author: str
    seconds: float
    guard: str


@frozen
class Rehearsed:
    """What a reload would change; of the last `replayed` requests `moved_count` would go elsewhere.

    `moved` are the first of these, each with where it goes before and after; `unsure` of them depend on what
    is not remembered.
    """

    changes: tuple[Change, ...] = ()
    replayed: int = 0
    moved_count: int = 0
    unsure: int = 0
    moved: Sequence[Mapping[str, Any]] = ()


TraceRecord: TypeAlias = Mapping[str, Any]
"""The trace of one request, with these keys.

`id service client method target host rule pool server fault outcome` are texts, empty when there is
nothing to say; `service` is the name without layer, `fault` the step that answered.  `time` is
wall-clock.  `sticky` is true when a cookie decided.  `scheduler candidates load weight` say how the
server was chosen, None when it was not.  `tries` holds (server, what came of it) of failed tries;
`status sent received` are numbers; `times` has `connect`, `first_byte` and `total` in seconds or None.
"""


@frozen
class DrillTold:
    """A run of a drill: when it began (wall clock), and its sheet, which is of now while it runs."""

    run: str
    drill: str
    began: float
    running: bool = False
    sheet: dict[str, Any] | None = None


class DrillDesk(Protocol):
    """Drills and their runs."""

    def known(self) -> Sequence[Drill]:
        """All drills of the configuration."""

    def runs(self) -> Sequence[DrillTold]:
        """The last runs, oldest first."""

    def run_of(self, name: str) -> DrillTold | None:
        """A run by its name, or the last one of a drill by the drill's."""

    def run_drill(
        self, name: str, author: str, seed: int | None = None, *, control: bool = False
    ) -> DrillTold:
        """Begin one.  Raises ChangeRefused: EPERM, ENOENT, EBUSY while another runs."""

    def stop_drill(self, name: str) -> None:
        """End a run, by its name or its drill's.  Raises ChangeRefused ENOENT when it does not run."""


class Rehearsals(Protocol):
    """Faults that are injected on purpose."""

    def states(self) -> Sequence[FaultState]:
        """All faults of the configuration, with what runs of them."""

    def start_fault(
        self, name: str, author: str, ttl: float | None = None, seed: int | None = None
    ) -> Deferred[FaultState]:
        """Start one; fires when every process injects it.

        Raises ChangeRefused: EPERM where drills are not allowed, ENOENT, EINVAL for a time out of range.
        """

    def stop_fault(self, name: str, author: str) -> Deferred[None]:
        """End one.  Raises ChangeRefused ENOENT."""


class Control(Protocol):
    """The running program, as the admin sees it."""

    def moment(self) -> Instant:
        """Both clocks."""

    def users(self) -> Sequence[User]:
        """Those of the configuration that runs; cheap, for it is asked at every request."""

    def snapshot(self) -> RegistrySnapshot:
        """What exists now, as values."""

    def listeners(self) -> Sequence[ListenerState]:
        """Every address of every service, bound or not."""

    def readiness(self) -> Readiness:
        """May traffic come?"""

    def process(self) -> ProcessFigures:
        """Memory, descriptors, stalls."""

    def checks(self) -> Sequence[CheckEvidence]:
        """Health evidence, one for each (check, address)."""

    def proofs(self, pool: str, address: str) -> ServerEvidence:
        """All that is known of the health of a pool's server at an address, and how it came about."""

    def probe_now(self, pool: str, address: str) -> int:
        """Make a server's checks at once; how many are made, those under way not counted."""

    def events(self, limit: int, after: int = -1) -> Sequence[LogEvent]:
        """The last events, newest first; with `after` only those with a larger number."""

    def connections(self, wanted: ConnectionQuery) -> Soon[ConnectionPage]:
        """Layer-4 flows and templates, newest first."""

    def packets(self) -> PacketFigures | None:
        """Layer 4 as a whole; None while it does not run."""

    def caches(self) -> Sequence[CacheFigures]:
        """What is remembered, and how it serves."""

    def schedulers(self) -> Sequence[tuple[str, str]]:
        """Every installed scheduler with its text, a line."""

    def traces(self, limit: int) -> Sequence[TraceRecord]:
        """The last requests, newest first."""

    def refreshed(self, route: str) -> Deferred[None] | None:
        """Asked before a route is answered: let what other processes counted be known.

        None when there is nothing to wait for.
        """

    def processes(self) -> Sequence[WorkerFigures]:
        """All processes; first the one that controls, which is the only one when it serves as well."""

    def faults(self, limit: int) -> Sequence[TraceRecord]:
        """The last requests that the fault path answered, newest first."""

    @property
    def rehearsals(self) -> Rehearsals:
        """Faults that are injected on purpose."""

    @property
    def drills(self) -> DrillDesk:
        """Rehearsals with a verdict."""

    def traces_kept(self) -> int:
        """How many requests are remembered."""

    def checks_made(self) -> Mapping[tuple[str, str], int]:
        """Probes so far, by check and what they found: `passed`, `failed`, `unknown` (our own fault)."""

    def tls(self) -> TLSFigures:
        """Handshakes, and how long certificates last."""

    def relayed(self) -> Mapping[str, int]:
        """Octets that layer 7 has sent: by `splice` (the kernel moved them), `copy` or `tls`."""

    def reloads(self) -> Mapping[str, int]:
        """Reloads so far, by how they ended: `done` or `refused`."""

    def trace(self, identifier: str) -> Soon[TraceRecord | None]:
        """One request by its id, or None when the ring has dropped it."""

    def explain(self, question: Question) -> TraceRecord:
        """Decide as for a real request, without sending one.

        Nothing is claimed or counted.  Raises DirectorError or TheirsError when it cannot be decided.
        """

    def explain_packet(self, question: PacketQuestion) -> Mapping[str, Any]:
        """Which service takes a packet and whom it would choose.

        Keys: `service pool server scheduler candidates forward load weight persistent prefix why_none`.
        Raises DirectorError when no service takes it.
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

    def reload(
        self, author: str, origin: str = "", confirm: ConfirmWithin | None = None
    ) -> Deferred[Applied]:
        """Apply the configuration file; fires when it is in force.  `origin` is from where they ask.

        With `confirm` it is undone by itself unless `confirm` is called in time.

        Fails with a DirectorError or an OSError with nothing applied.
        """

    def upgrade(self, author: str) -> Deferred[Succeeded]:
        """Let a new program take this one's place; fires when it serves.

        Fails with a DirectorError, and this one goes on.
        """

    def confirm(self, author: str) -> WaitingReload:
        """The reload that waits stays.  Raises ChangeRefused (ENODATA) when none does."""

    def waiting(self) -> WaitingReload | None:
        """The reload that waits for its confirmation."""

    def rehearse_reload(self, author: str) -> Deferred[Rehearsed]:
        """What `reload` would change; fails as `reload` would, and applies nothing."""

    def apply(self, changes: Iterable[Change], author: str, origin: str = "") -> Deferred[Applied]:
        """Apply and remember changes; fires when they are in force.

        Fails with ChangeRefused or SchedulerError with nothing applied.
        """

    def consider(self, changes: Iterable[Change], author: str) -> None:
        """Nothing, when guards would let changes pass.  Raises ChangeRefused."""

    def zero(self, services: Collection[str]) -> None:
        """Traffic of these services and their servers is shown from 0 on; of layer 4 as a whole with all."""

    def undo(self, number: int, author: str, origin: str = "") -> Deferred[Applied]:
        """Take back what a generation changed, also one of an earlier run, and nothing that came after it.

        Fails with ChangeRefused: ENOENT when it is not remembered, EINVAL when it cannot be undone.
        """

    def rehearse_undo(self, number: int) -> tuple[Change, ...]:
        """What `undo` would change.  Raises as `undo` fails."""

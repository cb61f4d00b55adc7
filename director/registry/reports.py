"""What the parts of a running director say of themselves, as values: for the admin, the commands and the log.

Whoever has something to tell makes one of these; whoever shows it takes it from here, so that neither needs
to know the other.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from director.model.drills import Fault, RunningFault
from director.model.pools import Network
from director.registry.counters import TrafficFigures


@frozen
class Instant:
    """Now on both clocks: `now` monotonic seconds, `time` seconds since the epoch for people."""

    now: float
    time: float

    def when(self, since: float) -> float:
        """The wall-clock time of a monotonic `since`."""
        return self.time - (self.now - since)


@frozen
class ListenerState:
    """One address of one service (`l7:NAME`, `l4:NAME` or `admin`); `error` says why it is not bound."""

    service: str
    address: str
    bound: bool = True
    error: str = ""


@frozen
class LogEvent:
    """Something an operator may want to know: `level` is `info`, `warning` or `error`.

    `number` counts on from event to event, and from an earlier run to this one.
    """

    time: float
    level: str
    text: str
    number: int = 0


@frozen
class FaultState:
    """A fault that may be injected; `running` says that it is, with its seed and its times.

    `seen` are requests (of layer 4: flows) that came by since it was started, `hits` those that are hit,
    `checks` probes that met it, `packets` packets of layer 4 that did.
    """

    fault: Fault
    running: RunningFault | None = None
    seen: int = 0
    hits: int = 0
    checks: int = 0
    packets: int = 0

    @property
    def name(self) -> str:
        """Its name."""
        return self.fault.name


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
class CheckEvidence:
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
class ConnectionEntry:
    """One layer-4 flow or persistence template.

    Addresses are `ADDRESS:PORT` with IPv6 in brackets; a template has client port 0.  `forward` is in
    ipvsadm's words (Masq, Route, Tunnel, Local, Bypass), `expires` in seconds from now.  The newest has the
    largest `id`.  `engine` is the persistence engine of a template that goes by its `data` (a Call-ID).
    `origin` is `SYNC` where another director told of it.
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
    id: int = 0
    engine: str = ""
    data: str = ""
    origin: str = "LOCAL"


@frozen
class ConnectionQuery:
    """Which flows and templates are asked for: of clients in a network, of a service, of a server.

    At most `limit` of them, newest first, and only those older than the one with the id `after`.
    """

    limit: int
    after: int | None = None
    client: Network | None = None
    service: str = ""
    server: str = ""


@frozen
class ConnectionPage:
    """An answer to a `ConnectionQuery`; with `more` as `after` comes the rest, None = nothing is left."""

    entries: tuple[ConnectionEntry, ...] = ()
    more: int | None = None


@frozen
class PacketFigures:
    """What layer 4 counts as a whole.

    Attributes:
        total: connections, packets and bytes of all services (`lvs-semantics` H).
        counters: drops and notable events by their reason, words of the code.
        flows: flows and templates in the table.
    """

    total: TrafficFigures
    counters: Mapping[str, int]
    flows: int


@frozen
class TLSFigures:
    """TLS and PROXY headers on the clients' side.

    Attributes:
        handshakes: those that were done, `resumed` of them without a certificate.
        failed: connections that became no client's, by reason (words of the code).
        expiry: seconds until a certificate ends, by its name; negative when it has ended.
    """

    handshakes: int = 0
    resumed: int = 0
    failed: Mapping[str, int] = field(factory=dict)
    expiry: Mapping[str, float] = field(factory=dict)


@frozen
class WorkerFigures:
    """One process: `age` and `cpu` (processor time used) in seconds, `rss` in octets.

    `serving` is False while it begins; `requests` are those of layer 7 that it served.
    """

    name: str
    pid: int
    serving: bool
    age: float = 0.0
    clients: int = 0
    requests: int = 0
    cpu: float = 0.0
    rss: int = 0


@frozen
class ProcessFigures:
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

"""Pools and their servers, and what both layers ask of them.

Durations are seconds (float), sizes bytes, weights integers >= 0 where 0 means quiesced (no new work,
`lvs-semantics` B.7).
"""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Sequence
from typing import Any

from attrs import frozen

from director.errors import DirectorError
from director.model.conditions import Term

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@frozen(eq=False)
class Method:
    """What is true of a way in which layer 4 brings packets to a server (`lvs-semantics` E).

    Code asks these properties and never which method it is; what is done with a packet is in
    `l4.methods`, one file each.
    """

    name: str
    """As the configuration writes it."""
    listed: str
    """As LVS's tools list it."""
    rewrites: bool = False
    """Addresses and ports become the server's and come back as the virtual ones, so the server's own port
    counts; errors and payloads that name them are translated.  The others keep the port asked for."""
    answers_return: bool = False
    """The server's answers come back through the director, which must see them; of the others it sees the
    client's half only (NOOUTPUT of IPVS)."""
    tunnels: bool = False
    """Packets travel inside others of the director's own: errors about those are for the director."""
    crosses_families: bool = False
    """The server may have an address of the other IP version."""


class Forward(enum.Enum):
    """Forwarding method of layer 4, as the configuration names it; `method` has what is true of it."""

    NAT = "nat"
    DR = "dr"
    TUN = "tun"
    LOCAL = "local"

    @property
    def method(self) -> Method:
        """Its row of the table."""
        return METHODS[self]


METHODS = {
    Forward.NAT: Method("nat", "Masq", rewrites=True, answers_return=True),
    Forward.DR: Method("dr", "Route"),
    Forward.TUN: Method("tun", "Tunnel", tunnels=True, crosses_families=True),
    Forward.LOCAL: Method("local", "Local"),
}
BYPASS = Method("bypass", "Bypass")
"""No server at all: a packet of a cache service goes where it wanted to.  Nobody can configure it."""


class State(enum.Enum):
    """The administrator's order for a server."""

    READY = "ready"
    """Takes new clients."""
    DRAIN = "drain"
    """Takes no new clients; its own (sticky, open) finish."""
    MAINT = "maint"
    """Takes nothing new, not even from its own clients; what is open finishes; checks stop."""


class OnDown(enum.Enum):
    """What happens to established work of a server that a check calls dead or an order puts to rest."""

    KEEP = "keep"
    """It goes on for as long as both ends keep it up."""
    CLOSE = "close"
    """It is cut at once."""


@frozen
class Address:
    """Where something listens or connects.

    One of three shapes: `host` and `port` (host may be a name, an IPv4 or an IPv6
    address without brackets; empty = all addresses), a unix socket `path`, or a
    Twisted endpoint string in `endpoint`.
    """

    host: str = ""
    port: int = 0
    path: str = ""
    endpoint: str = ""

    def __str__(self) -> str:
        if self.endpoint or self.path:
            return self.endpoint or f"unix:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def is_named(self) -> bool:
        """Whether its host has to be looked up."""
        host = self.host
        return bool(host) and ":" not in host and not host.replace(".", "").isdigit()


@frozen
class Tunnel:
    """How a TUN server is reached (`lvs-semantics` E): kind `ipip`, `gre` or `gue`.

    `port` is GUE's UDP destination port; `checksum` is `none`, `csum` or `remcsum`.
    """

    kind: str = "ipip"
    port: int = 0
    checksum: str = "none"


LARGEST_COUNT = 2**31 - 1
"""Largest weight and threshold of a server (`lvs-semantics` I.1: Debian's ipvsadm)."""


@frozen
class Server:
    """A real server (IPVS: destination) as configured; belongs to one pool.

    `max` and `min` are IPVS's upper and lower threshold (u, l of B.5); 0 = no limit.
    A `backup` server is eligible only when no other server of the pool is.
    """

    name: str
    address: Address
    weight: int = 1
    max: int = 0
    min: int = 0
    forward: Forward | None = None
    backup: bool = False
    tunnel: Tunnel = Tunnel()

    def __attrs_post_init__(self) -> None:
        if self.weight < 0:
            raise DirectorError(f"server {self.name}: weight must be 0 or more")
        if self.min > self.max:
            raise DirectorError(f"server {self.name}: min={self.min} is larger than max={self.max}")


@frozen
class SchedulerSpec:
    """Which scheduler picks, as written: `wlc`, `sh port fallback`, `hash(cookie sid) else wlc`.

    `name` is the registered name, `argument` the text in parentheses (empty if none),
    `flags` the words behind it, `otherwise` the scheduler asked when this one returns None.
    """

    name: str
    argument: str = ""
    flags: tuple[str, ...] = ()
    otherwise: SchedulerSpec | None = None

    def __str__(self) -> str:
        text = self.name
        if self.argument:
            text += f"({self.argument})"
        text = " ".join((text, *self.flags))
        return f"{text} else {self.otherwise}" if self.otherwise else text


@frozen
class CustomScheduler:
    """`[scheduler:NAME]`: a user's own class in a file, with a time budget per choice."""

    name: str
    path: str
    attribute: str
    budget: float = 50e-6


@frozen
class Advice:
    """What a server's agent says of it, over what is configured and ordered; None where it says nothing.

    `share` is per cent of the configured weight, `state` what it wants (READY takes back what it wanted).
    """

    share: int | None = None
    state: State | None = None
    max: int | None = None

    def over(self, before: Advice) -> Advice:
        """What it said last of each."""
        return Advice(
            before.share if self.share is None else self.share,
            self.state or before.state,
            before.max if self.max is None else self.max,
        )

    def told(self) -> list[object]:
        """As plain values, for other processes and for the store."""
        return [self.share, self.state.value if self.state else None, self.max]

    @classmethod
    def heard(cls, told: Sequence[Any]) -> Advice:
        """What was `told`."""
        share, state, most = told
        return cls(share, State(state) if state else None, most)

    def __str__(self) -> str:
        words = [] if self.share is None else [f"{self.share}%"]
        words += [self.state.value] if self.state else []
        words += [] if self.max is None else [f"maxconn:{self.max}"]
        return " ".join(words)


NO_ADVICE = Advice()


@frozen
class ScriptStep:
    """One step of a `script` check: octets that are sent, or that must come."""

    send: bool
    octets: bytes


@frozen
class ServerTLS:
    """How a pool's servers are met: `name` is asked for and verified (the server's own without it).

    `ca` is a file with authorities ("" = the system's), `certificate` the name of a `[cert:…]` that is shown.
    """

    verify: bool = True
    ca: str = ""
    name: str = ""
    certificate: str = ""


@frozen
class Check:
    """`[check:NAME]`: an active health check.

    kind `tcp` (a connect), `http` and `https` (method, target, the statuses that count as alive as inclusive
    ranges, and terms of `header` and `body` that must hold, too; `host` is the Host field, empty = the
    server's address, `headers` are further fields of the request), `tls` (a handshake), `grpc` (the `service`
    that is asked for, empty = the server as a whole), `agent` (what it says of itself), `redis`, `postgres`,
    `mysql`, `smtp`,
    `script` (its steps), `dns` (the type and the name that are asked for), `udp` (the payload), `icmp` (an
    echo) or `exec` (the program and its arguments).  `terms` of `dns` and `udp` are about the `answer`.
    `tls` is how servers are met by `https` and `tls`; `days` is how long a certificate must be good yet, None
    = no matter.
    `address` and `port` are probed instead of the server's own; empty and 0 = those.  `changing` is the pause
    between two probes
    while the verdict is about to change, in seconds; 0 = `every`.  `first` is what a server counts as before
    anything is known of it; None = up until the first `after` results, which decide when they are equal.
    """

    name: str
    kind: str = "tcp"
    method: str = "GET"
    target: str = "/"
    host: str = ""
    statuses: tuple[tuple[int, int], ...] = ((200, 399),)
    every: float = 2.0
    timeout: float = 1.0
    rise: int = 2
    fall: int = 3
    port: int = 0
    terms: tuple[Term, ...] = ()
    steps: tuple[ScriptStep, ...] = ()
    question: tuple[str, str] = ("", "")
    payload: bytes = b""
    command: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    service: str = ""
    tls: ServerTLS | None = None
    days: float | None = None
    address: str = ""
    changing: float = 0.0
    first: bool | None = None
    after: int = 1


@frozen
class CookiePersistence:
    """`persist = cookie NAME insert [follow] [httponly] [secure] [samesite=…]`: affinity by our own cookie.

    `follow`: only beside cookies that the server sets, and as long as the longest of them lasts.
    """

    name: str
    httponly: bool = False
    secure: bool = False
    samesite: str = ""
    follow: bool = False


@frozen
class Retry:
    """When a request is tried again, and how often beyond the first try.

    `on` holds `connect`, `empty` (closed before the first response byte), `timeout` (no first
    byte in time); `statuses` the answers that count as failures.
    """

    on: frozenset[str] = frozenset({"connect", "empty"})
    statuses: frozenset[int] = frozenset()
    tries: int = 2


@frozen
class Queue:
    """How many requests may wait for a server with room, and how long."""

    length: int = 0
    timeout: float = 5.0


@frozen
class Eject:
    """When real traffic takes a server out of its pool (passive checks).

    `after` failures in a row for `causes` (5xx, connect, empty, timeout, reset), or, where they are named
    among them, a `rate` of failures or a `latency` far from the other servers', put it out for `seconds`;
    never more than the share `most` of the pool at a time.
    """

    causes: frozenset[str]
    after: int = 5
    seconds: float = 30.0
    most: float = 0.5


def passive(pool: str) -> str:
    """The name under which an ejection stands among what checks found; no check can be called so."""
    return f"eject:{pool}"


@frozen
class PoolTimeouts:
    """Seconds: to connect, to the first response byte, between two bytes, and for an idle tunnel."""

    connect: float = 2.0
    response: float = 30.0
    idle: float = 60.0
    tunnel: float = 3600.0


@frozen
class Pool:
    """`[pool:NAME]`: servers in configured order and how one of them is picked.

    `needed` is how many of `checks` must hold, 0 = all.  `eject` says when real traffic takes a server out,
    None = never; with fewer healthy servers than the share `panic`, all are used; a server that comes back is
    given its weight over `slow_start` seconds.
    `idle_connections` is how many unused connections are kept open to each server, `on_down` what becomes
    of established work of a server that goes down.  `tls` is how servers are met (None = in clear);
    `send_proxy` is off, v1 or v2; `protocol` http/1.1 or h2.
    """

    name: str
    servers: tuple[Server, ...] = ()
    scheduler: SchedulerSpec = SchedulerSpec("wlc")
    checks: tuple[str, ...] = ()
    persist: CookiePersistence | None = None
    retry: Retry = Retry()
    queue: Queue = Queue()
    timeouts: PoolTimeouts = PoolTimeouts()
    idle_connections: int = 64
    tls: ServerTLS | None = None
    send_proxy: str = "off"
    protocol: str = "http/1.1"
    on_down: OnDown = OnDown.KEEP
    needed: int = 0
    eject: Eject | None = None
    panic: float = 0.0
    slow_start: float = 0.0

    def __attrs_post_init__(self) -> None:
        names = [server.name for server in self.servers]
        if len(set(names)) != len(names):
            raise DirectorError(f"pool {self.name}: two servers have one name")

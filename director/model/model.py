"""The values the director works with: what an operator can say, once, in one place.

Everything here is configuration: frozen, comparable, hashable, validated when it is
made, and free of running state.  What lives and changes (load counters, health,
drain, overload) is in `registry`.  `config.build` makes these values from an ini;
`changes` compares two sets of them.

Units: durations are seconds (float), sizes are bytes, weights are integers >= 0
where 0 means quiesced (no new work, `lvs-semantics` B.7).
"""

from __future__ import annotations

import enum
import ipaddress

from attrs import field, frozen

from director.conditions import Condition
from director.errors import DirectorError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Forward(enum.Enum):
    """Forwarding method of layer 4; ipvsadm prints Masq, Route, Tunnel, Local."""

    NAT = "nat"
    DR = "dr"
    TUN = "tun"
    LOCAL = "local"


class State(enum.Enum):
    """The administrator's order for a server."""

    READY = "ready"
    """Takes new clients."""
    DRAIN = "drain"
    """Takes no new clients; its own (sticky, open) finish."""
    MAINT = "maint"
    """Takes nothing new, not even from its own clients; what is open finishes; checks stop."""


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
class Scheduler:
    """Which scheduler picks, as written: `wlc`, `sh port fallback`, `hash(cookie sid) else wlc`.

    `name` is the registered name, `argument` the text in parentheses (empty if none),
    `flags` the words behind it, `otherwise` the scheduler asked when this one returns None.
    """

    name: str
    argument: str = ""
    flags: tuple[str, ...] = ()
    otherwise: Scheduler | None = None

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
class Check:
    """`[check:NAME]`: an active health check.

    kind `tcp` (a connect), or `http` (method, target, and the statuses that count as alive as
    inclusive ranges).  `host` is the Host field of an http check, empty = the server's address.
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


@frozen
class CookiePersistence:
    """`persist = cookie NAME insert [httponly] [secure] [samesite=…]`: affinity by our own cookie."""

    name: str
    httponly: bool = False
    secure: bool = False
    samesite: str = ""


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
class PoolTimeouts:
    """Seconds: to connect, to the first response byte, between two bytes, and for an idle tunnel."""

    connect: float = 2.0
    response: float = 30.0
    idle: float = 60.0
    tunnel: float = 3600.0


@frozen
class Pool:
    """`[pool:NAME]`: servers in configured order and how one of them is picked.

    `idle_connections` is how many unused connections are kept open to each server.
    """

    name: str
    servers: tuple[Server, ...] = ()
    scheduler: Scheduler = Scheduler("wlc")
    checks: tuple[str, ...] = ()
    persist: CookiePersistence | None = None
    retry: Retry = Retry()
    queue: Queue = Queue()
    timeouts: PoolTimeouts = PoolTimeouts()
    idle_connections: int = 64

    def __attrs_post_init__(self) -> None:
        names = [server.name for server in self.servers]
        if len(set(names)) != len(names):
            raise DirectorError(f"pool {self.name}: two servers have one name")


# --- layer 7 --------------------------------------------------------------------------


@frozen
class FaultStep:
    """One step of `fault =`: kind `active`, `pool` (name), `local` (address) or `page` (name)."""

    kind: str
    name: str = ""
    address: Address | None = None


@frozen
class L7Timeouts:
    """Seconds: for a client to send a whole head or the next body bytes, and between two requests."""

    client: float = 30.0
    keepalive: float = 60.0


@frozen
class L7Limits:
    """Bytes of a request line, of all header fields, of a body (0 = any); `fields` is their number."""

    line: int = 16384
    header: int = 32768
    fields: int = 512
    body: int = 0


@frozen
class L7Service:
    """`[l7:NAME]`: listeners and what happens to a request that no rule claims.

    `max_connections` 0 = as many as the process may have.
    """

    name: str
    listen: tuple[Address, ...]
    protocol: str = "http"
    pool: str = ""
    switch: str = "request"
    fault: tuple[FaultStep, ...] = ()
    timeouts: L7Timeouts = L7Timeouts()
    forwarded: str = "x-forwarded-for"
    trust: tuple[Network, ...] = ()
    proxy_protocol: tuple[Network, ...] = ()
    tls: tuple[str, ...] = ()
    limits: L7Limits = L7Limits()
    max_connections: int = 0


@frozen
class HeaderEdit:
    """One header change of a rule: verb `set`, `add` or `del`; applied to the request."""

    verb: str
    name: str
    value: str = ""


@frozen
class Rule:
    """`[rule:NUMBER TITLE]`: the first rule, by number, whose condition holds decides.

    Exactly one of `pool`, `redirect` (status, location template) and `respond` (status, text)
    is set.  `rewrite_path` is a template; `$1` … `${name}` are the captured groups.  `hash` names
    what a hash scheduler shall use as key, such as `path.1`.
    """

    number: int
    title: str
    service: str
    when: Condition | None = None
    pool: str = ""
    redirect: tuple[int, str] | None = None
    respond: tuple[int, str] | None = None
    hash: str = ""
    headers: tuple[HeaderEdit, ...] = ()
    rewrite_path: str = ""

    @property
    def name(self) -> str:
        """`NUMBER TITLE`, as in the section's name."""
        return f"{self.number} {self.title}".rstrip()


@frozen
class Page:
    """`[page:NAME]`: a page the director itself serves; `body` was read when the ini was."""

    name: str
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    status: int = 503
    retry_after: float | None = None


# --- layer 4 --------------------------------------------------------------------------


@frozen
class Virtual:
    """The key of a layer-4 service: `protocol` tcp, udp or sctp with host and port, or a mark.

    `fwmark` > 0 makes it a mark service (`family` 4 or 6); host and port are then unused.
    """

    protocol: str = "tcp"
    host: str = ""
    port: int = 0
    fwmark: int = 0
    family: int = 4

    def __str__(self) -> str:
        """As it is written: `udp 192.0.2.53:53` or `fwmark 1 inet6`."""
        if self.fwmark:
            return f"fwmark {self.fwmark}{' inet6' if self.family == 6 else ''}"
        return f"{self.protocol} {Address(self.host, self.port)}"


@frozen
class L4Service:
    """`[l4:NAME]`: a virtual service on raw sockets (`lvs-semantics` B.2).

    `engine` is the persistence engine (`pe = sip`), '' for none; `options` are per-service settings.
    """

    name: str
    virtual: Virtual
    pool: str
    forward: Forward = Forward.NAT
    scheduler: Scheduler | None = None
    persistent: float | None = None
    netmask: int | None = None
    ops: bool = False
    engine: str = ""
    options: tuple[tuple[str, str], ...] = ()


@frozen
class L4Timeouts:
    """Seconds an idle flow is kept in the states that `ipvsadm --set tcp tcpfin udp` changes (D.1, D.3)."""

    tcp: float = 900.0
    tcpfin: float = 120.0
    udp: float = 300.0


@frozen
class L4Settings:
    """`[l4]`: interfaces, engine, and the sysctls of `lvs-semantics` C.7 as (key, value) pairs."""

    interfaces: tuple[str, ...] = ()
    engine: str = "auto"
    sysctls: tuple[tuple[str, str], ...] = ()
    timeouts: L4Timeouts = L4Timeouts()
    conn_tab_bits: int = 12


# --- the rest of the file ---------------------------------------------------------------


@frozen
class Settings:
    """`[director]`.

    `workers` -1 = as many as there are processors (`auto`); `trace` is how many decisions are kept;
    `access_log` is a path, `stdout` or `off`.
    """

    name: str = "director"
    state_dir: str = ""
    workers: int = 0
    log: str = "text"
    shutdown_grace: float = 10.0
    trace: int = 4096
    access_log: str = "stdout"


@frozen
class Admin:
    """`[admin]`."""

    listen: Address = Address(host="127.0.0.1", port=8404)


@frozen
class User:
    """`[user:NAME]`: an argon2 hash and a role."""

    name: str
    password: str = field(repr=False)
    role: str = "viewer"


@frozen
class Certificate:
    """`[cert:NAME]`: paths of a PEM chain and its key."""

    name: str
    file: str
    key: str


@frozen
class Demo:
    """`[demo:NAME]`: an embedded demo server."""

    name: str
    listen: Address


@frozen
class ConfigTest:
    """`[test:TITLE]`: a request and the decision it must get.

    `expect` pairs are (`rule`, title or number), (`pool`, name), (`status`, code), ….
    """

    title: str
    method: str
    uri: str
    headers: tuple[tuple[str, str], ...] = ()
    client: str = ""
    expect: tuple[tuple[str, str], ...] = ()


@frozen
class Configuration:
    """All of one ini, checked.  Mappings are tuples in file order; names are unique per kind."""

    settings: Settings = Settings()
    admin: Admin | None = None
    users: tuple[User, ...] = ()
    pools: tuple[Pool, ...] = ()
    checks: tuple[Check, ...] = ()
    l7: tuple[L7Service, ...] = ()
    rules: tuple[Rule, ...] = ()
    pages: tuple[Page, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    l4_settings: L4Settings | None = None
    l4: tuple[L4Service, ...] = ()
    demos: tuple[Demo, ...] = ()
    schedulers: tuple[CustomScheduler, ...] = ()
    tests: tuple[ConfigTest, ...] = ()

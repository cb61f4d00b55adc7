"""Layer 7: services, rules, pages and the steps of the fault path."""

from __future__ import annotations

from attrs import field, frozen

from director.model.conditions import Condition
from director.model.pools import Address, Network
from director.model.tls import ListenerTLS

FAULT_CAUSES = ("no_server", "connect", "queue", "timeout", "empty", "junk")
"""What `fault_on =` can name: why a request found no answer, once all its tries are used up."""


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
class Children:
    """`ktcpvs =`: how many child processes KTCPVS would start, and keep in reserve at least and at most."""

    start: int = 8
    min_spare: int = 6
    max_spare: int = 18


@frozen
class L7Service:
    """`[l7:NAME]`: listeners and what happens to a request that no rule claims.

    `fault_on` are the causes for which `fault` is taken.  `max_connections` 0 = as many as the process may
    have.  `start` False: it is there and listens nowhere.
    """

    name: str
    listen: tuple[Address, ...]
    protocol: str = "http"
    pool: str = ""
    switch: str = "request"
    fault: tuple[FaultStep, ...] = ()
    fault_on: tuple[str, ...] = FAULT_CAUSES
    timeouts: L7Timeouts = L7Timeouts()
    forwarded: str = "x-forwarded-for"
    trust: tuple[Network, ...] = ()
    proxy_protocol: tuple[Network, ...] = ()
    tls: ListenerTLS | None = None
    h2: bool = True
    h2c: bool = False
    limits: L7Limits = L7Limits()
    max_connections: int = 0
    start: bool = True
    ktcpvs: Children | None = None

    @property
    def places(self) -> tuple[Address, ...]:
        """Where it listens now."""
        return self.listen if self.start else ()


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
    what a hash scheduler shall use as key, such as `path.1`.  `written` are the texts, as they stand in the
    ini, of those keys whose values hold `secrets`: (key, text).
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
    written: tuple[tuple[str, str], ...] = ()
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def shown(self, key: str, text: str) -> str:
        """The value of a key for people: `text`, or what the ini says where that would tell a secret."""
        return next((raw for name, raw in self.written if name == key), text)

    def masked(self, text: str) -> str:
        """A text that was made of the rule's values, without its secrets."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text

    @property
    def name(self) -> str:
        """`NUMBER TITLE`, as in the section's name."""
        return f"{self.number} {self.title}".rstrip()


@frozen
class Page:
    """`[page:NAME]`: a page the director itself serves; `body` was read when the ini was.

    `status` None: that of the cause it is served for (503, 502, 504).
    """

    name: str
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    status: int | None = None
    retry_after: float | None = None

"""The program itself (`[director]`, `[admin]`, users, certificates, demo servers, tests), and the whole."""

from __future__ import annotations

from attrs import field, frozen

from director.model.drills import Drill, Fault
from director.model.http import L7Service, Page, Rule
from director.model.pools import Address, Check, CustomScheduler, Pool
from director.model.tls import ACME, Acme, Certificate, acme_certificate
from director.model.virtual import L4Service, L4Settings


@frozen
class Settings:
    """`[director]`.

    `workers` -1 = as many as there are processors (`auto`); `trace` is how many decisions are kept;
    `access_log` is a path, `stdout` or `off`; `drills` says that faults may be injected.
    """

    name: str = "director"
    state_dir: str = ""
    workers: int = -1
    log: str = "text"
    shutdown_grace: float = 10.0
    trace: int = 4096
    access_log: str = "stdout"
    drills: bool = False


@frozen
class Admin:
    """`[admin]`."""

    listen: Address = field(factory=lambda: Address(host="127.0.0.1", port=8404))


@frozen
class User:
    """`[user:NAME]`: an argon2 hash and a role."""

    name: str
    password: str = field(repr=False)
    role: str = "viewer"


@frozen
class Demo:
    """`[demo:NAME]`: an embedded demo server; `tls`: with a certificate of the demo servers' authority."""

    name: str
    listen: Address
    tls: bool = False


@frozen
class ConfigTest:
    """`[test:TITLE]`: a request and the decision it must get.

    `expect` pairs are (`rule`, title or number), (`pool`, name), (`status`, code), …; `down` are servers, as
    POOL/SERVER, that are down for this test alone.
    """

    title: str
    method: str
    uri: str
    headers: tuple[tuple[str, str], ...] = ()
    client: str = ""
    expect: tuple[tuple[str, str], ...] = ()
    down: tuple[str, ...] = ()


@frozen
class Guard:
    """`[guard:NAME]`: what no change may do to a pool; `pools` empty = to any.

    After a change there must be at least `ready` servers that work, and at most `drains` that an operator
    keeps from new clients; None = no matter.  `path` and `attribute` name a function of the user's own that
    is asked as well.  A guard that does not veto warns.
    """

    name: str
    pools: tuple[str, ...] = ()
    ready: int | None = None
    drains: int | None = None
    path: str = ""
    attribute: str = ""
    veto: bool = True
    reason: str = ""


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
    acme: Acme = field(factory=Acme)
    l4_settings: L4Settings | None = None
    l4: tuple[L4Service, ...] = ()
    demos: tuple[Demo, ...] = ()
    schedulers: tuple[CustomScheduler, ...] = ()
    tests: tuple[ConfigTest, ...] = ()
    guards: tuple[Guard, ...] = ()
    faults: tuple[Fault, ...] = ()
    drills: tuple[Drill, ...] = ()

    @property
    def served_certificates(self) -> tuple[Certificate, ...]:
        """Those that are configured, and those that services want the director to get."""
        names = {name: None for one in self.l7 if one.tls is not None for name in one.tls.certificates}
        wanted = (name for name in names if name.startswith(ACME))
        return (*self.certificates, *(acme_certificate(name, self.settings.state_dir) for name in wanted))

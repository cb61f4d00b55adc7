"""The services and destinations as `ipvsadm` sees them, and what it may ask of whoever holds them.

Values only; `IpvsTable` is a Protocol, so that the command can be tried without a director.
"""

from __future__ import annotations

from typing import Protocol

from attrs import field, frozen

from director.model.pools import Forward, Tunnel
from director.model.virtual import Virtual

Figures = tuple[int, int, int, int, int]
"""conns, packets in, packets out, bytes in, bytes out; or the same per second."""
NOTHING: Figures = (0, 0, 0, 0, 0)


class KernelError(Exception):
    """An order was refused; `code` is the name of the kernel's error (`ENOENT`).

    `text` is said instead of the tool's own word for the code, when the director knows better.
    """

    def __init__(self, code: str, text: str = "") -> None:
        super().__init__(text or code)
        self.code = code
        self.text = text


@frozen
class Destination:
    """One real server of a service; `weight` and thresholds as configured, the rest as counted."""

    host: str
    port: int
    forward: Forward = Forward.DR
    weight: int = 1
    upper: int = 0
    lower: int = 0
    tunnel: Tunnel = field(factory=Tunnel)
    active: int = 0
    inactive: int = 0
    persistent: int = 0
    stats: Figures = NOTHING
    rates: Figures = NOTHING


@frozen
class IpvsService:
    """One virtual service with its destinations, newest first.

    `netmask` is a prefix length, None for the whole address; `persistent` seconds, None for no persistence.
    """

    virtual: Virtual
    scheduler: str = "wlc"
    flags: tuple[str, ...] = ()
    persistent: int | None = None
    netmask: int | None = None
    engine: str = ""
    ops: bool = False
    destinations: tuple[Destination, ...] = ()
    stats: Figures = NOTHING
    rates: Figures = NOTHING


@frozen
class ConnectionLine:
    """One line of the connection table; `expires` in seconds, `protocol` as it is shown."""

    protocol: str
    expires: int
    state: str
    source: tuple[str, int]
    virtual: tuple[str, int]
    destination: tuple[str, int]
    engine: str = ""
    data: str = ""


@frozen
class Daemon:
    """A synchronisation daemon; 0 and "" are what was not said."""

    role: str
    interface: str = "eth0"
    syncid: int = 0
    maxlen: int = 0
    group: str = ""
    port: int = 0
    ttl: int = 0


class IpvsTable(Protocol):
    """Whoever holds the services.  Every method may raise KernelError."""

    def services(self) -> tuple[IpvsService, ...]:
        """All services, in the order of the table."""

    def service(self, virtual: Virtual) -> IpvsService:
        """One of them.  ESRCH when it is not there."""

    def add_service(self, service: IpvsService) -> None:
        """EEXIST, ENOENT for the scheduler or engine."""

    def edit_service(self, service: IpvsService) -> None:
        """Replace everything but the key and the destinations.  ESRCH, ENOENT."""

    def delete_service(self, virtual: Virtual) -> None:
        """ESRCH."""

    def flush(self) -> None:
        """No services any more."""

    def add_destination(self, virtual: Virtual, destination: Destination) -> None:
        """ESRCH without the service, EEXIST, ERANGE for thresholds."""

    def edit_destination(self, virtual: Virtual, destination: Destination) -> None:
        """ESRCH without the service, ENOENT, ERANGE."""

    def delete_destination(self, virtual: Virtual, destination: Destination) -> None:
        """ESRCH without the service, ENOENT."""

    def zero(self, virtual: Virtual | None) -> None:
        """Counters start again; of all services when none is named."""

    def timeouts(self) -> tuple[int, int, int]:
        """tcp, tcpfin, udp in seconds."""

    def set_timeouts(self, tcp: int, tcpfin: int, udp: int) -> None:
        """0 keeps a value."""

    def entries(self) -> tuple[ConnectionLine, ...]:
        """The connection table."""

    def daemons(self) -> tuple[Daemon, ...]:
        """Those that run."""

    def start_daemon(self, daemon: Daemon) -> None:
        """EEXIST."""

    def stop_daemon(self, role: str) -> None:
        """ESRCH."""

    def size(self) -> int:
        """Buckets of the connection table."""

"""Layer 4: virtual services, and what `[l4]` sets for all of them."""

from __future__ import annotations

from attrs import frozen

from director.model.pools import Address, Forward, Scheduler


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

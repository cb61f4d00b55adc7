"""A configuration as it can be simulated: the same decisions, over connections in memory.

What lies outside of the simulation is left out or stands for something nearer: TLS and PROXY headers fall
away, HTTP/2 to servers becomes HTTP/1, every check asks by HTTP, names and unix sockets become addresses.
Layer 4, certificates, the admin and demo servers are not there.  `differences` says so.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from attrs import evolve

from director.model.drills import Fault
from director.model.http import L7Service
from director.model.pools import Address, Check, Pool, Server
from director.model.settings import Configuration

LISTENING = "127.255.0.1"
"""Where services listen in the simulation; each address has a port of its own."""

SLOWEST = 200_000.0
"""Octets a second of an injected fault, at least."""


class Likeness:
    """What stands for a configuration.

    Attributes:
        configuration: it.
        doors: the addresses of each service, by its name.
        servers: what a played server is called, by its address: the first place that names it.
    """

    def __init__(self, written: Configuration) -> None:
        self.doors: dict[str, tuple[tuple[str, int], ...]] = {}
        self.servers: dict[tuple[str, int], str] = {}
        self._addresses: dict[str, Address] = {}
        services = tuple(self._service(one) for one in written.l7 if one.protocol != "tls-passthrough")
        names = {one.name for one in services}
        self.configuration = evolve(
            written,
            settings=evolve(written.settings, workers=0, access_log="off", drills=True),
            admin=None,
            users=(),
            pools=tuple(self._pool(one) for one in written.pools),
            checks=tuple(_check(one) for one in written.checks),
            l7=services,
            rules=tuple(one for one in written.rules if one.service in names),
            certificates=(),
            l4_settings=None,
            l4=(),
            demos=(),
            faults=tuple(_fault(one) for one in written.faults),
            schedulers=tuple(evolve(one, budget=60.0) for one in written.schedulers),
            tests=(),
            drills=(),
        )

    def _service(self, service: L7Service) -> L7Service:
        first = sum(map(len, self.doors.values())) + 1
        listen = tuple(Address(LISTENING, first + at) for at in range(len(service.listen)))
        self.doors[service.name] = tuple((one.host, one.port) for one in listen)
        fault = tuple(
            evolve(step, address=self.address(step.address, f"local {step.address}"))
            if step.address is not None
            else step
            for step in service.fault
        )
        return evolve(service, listen=listen, fault=fault, tls=None, proxy_protocol=(), h2c=False)

    def _pool(self, pool: Pool) -> Pool:
        return evolve(
            pool,
            servers=tuple(self.server(pool.name, one) for one in pool.servers),
            tls=None,
            send_proxy="off",
            protocol="http/1.1",
        )

    def server(self, pool: str, server: Server) -> Server:
        """One at an address that can be simulated."""
        return evolve(server, address=self.address(server.address, f"{pool}/{server.name}"))

    def address(self, address: Address, name: str) -> Address:
        """The same address for the same text; `name` is what is called so when it is new."""
        known = self._addresses.get(str(address))
        if known is None:
            known = address
            if not _is_literal(address):
                known = Address(f"198.18.0.{len(self._addresses) + 1}", address.port or 80)
            self._addresses[str(address)] = known
            self.servers.setdefault((known.host, known.port), name)
        return known


def _is_literal(address: Address) -> bool:
    try:
        return ipaddress.ip_address(address.host).version == 4
    except ValueError:
        return False


def _fault(fault: Fault) -> Fault:
    """Slow, but not for hours: the answers of a simulation may be large."""
    rate = fault.action.rate
    return evolve(fault, action=evolve(fault.action, rate=max(rate, SLOWEST))) if rate else fault


def _check(check: Check) -> Check:
    return Check(
        check.name, "http", target="/", every=check.every, timeout=check.timeout, rise=check.rise,
        fall=check.fall, changing=check.changing, first=check.first, after=check.after,
        statuses=((200, 299),),
    )  # fmt: skip


def differences(written: Configuration) -> Iterator[str]:
    """What of a configuration the simulation leaves out, a sentence each."""
    if written.l4:
        yield f"layer 4 is left out ({', '.join(one.name for one in written.l4)})"
    passed = [one.name for one in written.l7 if one.protocol == "tls-passthrough"]
    if passed:
        yield f"TLS that is passed on is left out ({', '.join(passed)})"
    if any(one.tls for one in written.l7) or any(one.tls for one in written.pools):
        yield "TLS is left out: clients and servers are met in clear text"
    if any(one.protocol == "h2" for one in written.pools):
        yield "servers are met by HTTP/1 instead of HTTP/2"
    odd = sorted({one.kind for one in written.checks} - {"http"})
    if odd:
        yield f"checks of kind {', '.join(odd)} ask by HTTP"

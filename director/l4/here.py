"""Servers that are this machine itself, and what its own stack cannot do for them (`lvs-semantics` E).

The host's stack gets such a server's packets as they came, whatever the method: it answers on the virtual
address and the port that the client asked.  IPVS rewrites them there and back at hooks inside the stack; a
packet socket has none on the way out, so another port cannot be had, and has to be said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from attrs import frozen

from director.l4.services import packed
from director.model.pools import Pool, Server
from director.model.virtual import L4Service, Mark

LOOPBACK6 = bytes(15) + b"\x01"


@frozen
class OwnServer:
    """A server that clients of a service cannot reach, why, and what to do."""

    pool: str
    server: Server
    why: str
    hint: str

    def __str__(self) -> str:
        return f"server {self.pool}/{self.server.name} = {self.server.address} {self.why}; {self.hint}"


def unfit(
    services: Iterable[L4Service],
    pools: Mapping[str, Pool],
    marks: Collection[Mark],
    local: Collection[bytes],
) -> Iterator[OwnServer]:
    """The servers of `services` on this machine, whose addresses are `local`, that are asked elsewhere.

    Only where the method counts on the server's port: of the others the file alone says so.
    """
    for service in services:
        pool = pools.get(service.pool)
        if pool is None:
            continue
        asked = _asked(service, marks)
        for server in pool.servers:
            address = packed(server.address.host)
            if not address or not (server.forward or service.forward).method.rewrites:
                continue
            if (address[:1] == b"\x7f" and len(address) == 4) or address == LOOPBACK6:
                why = "is the loopback: packets of clients never get there"
                hint = f"let it listen on {_where(service, asked)}, and write forward=local behind it"
                yield OwnServer(pool.name, server, why, hint)
            elif address in local and server.address.port and asked != {server.address.port}:
                why = f"is this machine, whose stack gets packets as clients of [l4:{service.name}] send them"
                hint = f"let it listen on {_where(service, asked)}, or put an [l7:…] service before it"
                yield OwnServer(pool.name, server, f"{why}: the port {server.address.port} is not used", hint)


def _where(service: L4Service, asked: set[int]) -> str:
    host = service.virtual.host
    if len(asked) != 1:
        return f"{host or 'the virtual addresses'} and the ports that clients ask"
    return f"{f'[{host}]' if ':' in host else host or 'the virtual address'}:{min(asked)}"


def _asked(service: L4Service, marks: Collection[Mark]) -> set[int]:
    """The port that clients ask; empty when there are several."""
    virtual = service.virtual
    if not virtual.fwmark:
        return {virtual.port} - {0}
    spans = {
        one.ports for one in marks if one.mark == virtual.fwmark and one.network.version == virtual.family
    }
    ports = {port for span in spans for port in span}
    return ports if len(ports) == 1 else set()

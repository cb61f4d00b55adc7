"""Which virtual service a packet belongs to (`lvs-semantics` B.2), from the registry's services.

`Services` follows the registry when it is told to, in the same turn as the change, so no packet meets
services of before.  A service that left is `present = False`; its flows then find no server.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from math import inf
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from director.caches import remember
from director.l4.wire.protocols import TCP
from director.model.pools import Address, Method, OnDown, Server, Tunnel
from director.model.virtual import PROTOCOLS, L4Service, Mark, Virtual

if TYPE_CHECKING:
    from director.registry.counters import Cells
    from director.registry.registry import LiveService, RealServer, Registry

FTP = 21
FTP_DATA = 20
UNPRIVILEGED = 1024
"""First port an FTP service may also be asked on (step 3 of the look-up)."""
PREFIX = "l4:"


@remember("packed_addresses", 65536)
def packed(host: str) -> bytes | None:
    """An address as 4 or 16 bytes; None when `host` is a name."""
    try:
        return ipaddress.ip_address(host).packed
    except ValueError:
        return None


def shown(address: bytes) -> str:
    """A packed address as people write it."""
    return str(ipaddress.ip_address(address))


class VirtualService:
    """One live layer-4 service, ready for look-ups.

    `protocol` is 0 for a mark service; `prefix` is the persistence mask as a prefix length;
    `persistent` is the template's seconds or None; `noted` is when the log was last told that there is no
    server for it.
    """

    __slots__ = (
        "address", "config", "family", "key", "live", "mark", "name", "noted", "persistent", "port", "prefix",
        "present", "protocol", "traffic", "__weakref__",
    )  # fmt: skip

    def __init__(self, live: LiveService, config: L4Service) -> None:
        virtual = config.virtual
        self.mark = virtual.fwmark
        self.address = b"" if self.mark else packed(virtual.host) or b""
        self.family = virtual.family if self.mark else (4 if len(self.address) == 4 else 6)
        self.protocol = 0 if self.mark else PROTOCOLS[virtual.protocol]
        self.port = 0 if self.mark else virtual.port
        self.noted = -inf
        self.follow(live, config)

    def follow(self, live: LiveService, config: L4Service) -> None:
        """Take over what may change while the service lives."""
        self.key, self.name, self.live = live.key, config.name, live
        self.traffic: Cells = live.stats.traffic.cells
        self.present = True
        self.config = config
        self.persistent = config.persistent
        whole = 32 if self.family == 4 else 128
        self.prefix = whole if config.netmask is None else min(config.netmask, whole)

    def method(self, server: Server) -> Method:
        """The forwarding method to `server`: its own, else the service's."""
        return (server.forward or self.config.forward).method

    def __str__(self) -> str:
        """As IPVS's log shows it: `TCP 192.0.2.80:80` or `FWM 7`."""
        if self.mark:
            return f"FWM {self.mark}"
        return f"{self.config.virtual.protocol.upper()} {Address(shown(self.address), self.port)}"

    @property
    def identity(self) -> Virtual:
        """What makes it this service, under whatever name."""
        return identity(self.config)

    @property
    def ftp(self) -> bool:
        """It is an FTP control service."""
        return self.protocol == TCP and self.port == FTP


Path = tuple[VirtualService, "RealServer", Method, Tunnel]
"""What decides how a flow's packets reach its server: the service, the server, the method, the tunnel."""


def identity(config: L4Service) -> Virtual:
    """Flows go on for as long as this is the same: what clients ask for, under whatever name and pool."""
    return config.virtual


ANY_PORT = -1
"""Stands for whatever port a server has."""
Places = Mapping[tuple[bytes, int], "RealServer"]
"""Servers by address and port, and by address and `ANY_PORT`."""


def by_address(registry: Registry, pool: str) -> Places:
    """The servers of a pool that have an address; the first of the order has a place."""
    found: dict[tuple[bytes, int], RealServer] = {}
    live = registry.pools.get(pool)
    for server in live.servers if live is not None else ():
        address = packed(server.address.host)
        if address is not None:
            found.setdefault((address, server.port), server)
            found.setdefault((address, ANY_PORT), server)
    return found


class Services:
    """All virtual services, by mark and by address; and what is known of their servers."""

    def __init__(self, registry: Registry, marks: tuple[Mark, ...] = ()) -> None:
        self.registry = registry
        self.marks = marks
        self.by_key: dict[str, VirtualService] = {}
        self.nat_servers: dict[tuple[int, bytes, int], VirtualService] = {}
        self.tunnel_servers: dict[bytes, VirtualService] = {}
        self.gue_ports: frozenset[int] = frozenset()
        self._addressed: dict[tuple[int, bytes, int], VirtualService] = {}
        self._marked: dict[tuple[int, int], VirtualService] = {}
        self._any_port = self._any_ftp = False
        self.kept: frozenset[tuple[int, bytes, int]] = frozenset()
        self._gone: WeakValueDictionary[Virtual, VirtualService] = WeakValueDictionary()
        self._paths: list[Path] = []
        self.closing: tuple[RealServer, ...] = ()
        self.moved: list[VirtualService] = []
        self.follow()

    def follow(self) -> bool:
        """See the registry as it is now; True when packets of some flow may take another path.

        A service that got another name, or that left and came back while flows of it lived, is the same one.
        `moved` are then those that were given another pool.
        """
        self.moved = []
        before, self.by_key = self.by_key, {}
        arrived: list[LiveService] = []
        for key, live in self.registry.services.items():
            if isinstance(live.config, L4Service):
                old = before.get(key)
                if old is not None and old.identity == identity(live.config):
                    self._take(before.pop(key), live, live.config)
                else:
                    arrived.append(live)
        for gone in before.values():
            gone.present = False
            self._gone[gone.identity] = gone
        for live in arrived:
            if isinstance(live.config, L4Service):
                self._take(self._gone.pop(identity(live.config), None), live, live.config)
        paths, self._paths = self._paths, self._index()
        return paths != self._paths

    def _take(self, old: VirtualService | None, live: LiveService, config: L4Service) -> None:
        """Serve `live`, as the object of before when there is one."""
        if old is None:
            service = VirtualService(live, config)
        else:
            service = old
            if service.config.pool != config.pool:
                self.moved.append(service)
            service.follow(live, config)
        if service.mark or service.address:
            self.by_key[live.key] = service

    def _index(self) -> list[Path]:
        """Make the look-ups anew; every path that flows can take."""
        services = self.by_key.values()
        self._marked = {(one.mark, one.family): one for one in services if one.mark}
        self._addressed = {(one.protocol, one.address, one.port): one for one in services if not one.mark}
        self._any_port = any(not one.port for one in self._addressed.values())
        self._any_ftp = any(one.ftp for one in self._addressed.values())
        self.nat_servers, self.tunnel_servers = {}, {}
        paths: list[Path] = []
        for service in services:
            pool = self.registry.pools.get(service.config.pool)
            for server in pool.servers if pool else ():
                method = service.method(server.config)
                paths.append((service, server, method, server.config.tunnel))
                self._index_server(service, server, method)
        self.closing = tuple({one: None for _, one, _, _ in paths if one.pool.config.on_down is OnDown.CLOSE})
        self.gue_ports = frozenset(tunnel.port for _service, _server, _method, tunnel in paths)
        return paths

    def _index_server(self, service: VirtualService, server: RealServer, method: Method) -> None:
        address = packed(server.address.host)
        if address is None:
            return
        if method.answers_return:
            for protocol in (service.protocol,) if service.protocol else PROTOCOLS.values():
                self.nat_servers[protocol, address, server.port or service.port] = service
        elif method.tunnels:
            self.tunnel_servers[address] = service

    def mark(self, protocol: int, destination: bytes, port: int) -> int:
        """The firewall mark of a packet, by the first rule that fits; 0 = none."""
        if not self.marks:
            return 0
        address = ipaddress.ip_address(destination)
        for rule in self.marks:
            if (
                rule.protocol in (0, protocol)
                and rule.ports[0] <= port <= rule.ports[1]
                and address in rule.network
            ):
                return rule.mark
        return 0

    def lookup(self, mark: int, protocol: int, address: bytes, port: int) -> VirtualService | None:
        """The service of a packet: by mark, exact port, FTP, port 0; in this order.

        What is in `kept` (protocol, address, port) has a listener of the host's own and no service.
        """
        if (protocol, address, port) in self.kept:
            return None
        family = 4 if len(address) == 4 else 6
        if mark:
            found = self._marked.get((mark, family))
            if found:
                return found
        found = self._addressed.get((protocol, address, port))
        if found is None and self._any_ftp and protocol == TCP and (port == FTP_DATA or port >= UNPRIVILEGED):
            found = self._addressed.get((TCP, address, FTP))
        if found is None and self._any_port:
            found = self._addressed.get((protocol, address, 0))
        return found

"""The lab's network as values: who stands where, with which addresses, for each method.

Pure.  `lab` builds what is said here; the inis in `etc/examples` name the same addresses.

    client ---- front 10.99.0.0/24 ---- director ---- back 10.99.1.0/24 ---- servers a, b, c
                     |                                                            |
                     +---------------- dr and tun: the servers' way back ---------+

The client reaches the virtual address 10.99.2.80 by way of the director.  With nat the
servers' default route is the director; with dr and tun they have the virtual address on
their loopback, are silent about it, and answer the client directly.
"""

from __future__ import annotations

from attrs import frozen

from director.model.pools import Forward

VIRTUAL = "10.99.2.80"
PORT = 80
CLIENT = "10.99.0.2"
DIRECTOR_FRONT, DIRECTOR_BACK = "10.99.0.1", "10.99.1.1"
METHODS = (Forward.NAT, Forward.DR, Forward.TUN)


@frozen
class LabHost:
    """A namespace with its interfaces: (network, device, address with prefix length)."""

    role: str
    interfaces: tuple[tuple[str, str, str], ...]
    routes: tuple[tuple[str, ...], ...] = ()
    sysctls: tuple[tuple[str, int], ...] = ()
    loopback: tuple[str, ...] = ()
    port: int = 0
    tunnel: bool = False


@frozen
class Topology:
    """All hosts of one method; `networks` are bridges in a namespace of their own."""

    method: Forward
    networks: tuple[str, ...]
    client: LabHost
    director: LabHost
    servers: tuple[LabHost, ...]

    @property
    def hosts(self) -> tuple[LabHost, ...]:
        """Client, director, servers."""
        return (self.client, self.director, *self.servers)


_QUIET = (
    # Real servers share the virtual address with the director: they must not answer ARP for it.
    ("net.ipv4.conf.all.arp_ignore", 1),
    ("net.ipv4.conf.all.arp_announce", 2),
    ("net.ipv4.conf.all.rp_filter", 0),
    ("net.ipv4.conf.default.rp_filter", 0),
)


def topology(method: Forward) -> Topology:
    """The lab for `method` (nat, dr or tun)."""
    client = LabHost(
        "client",
        (("front", "front0", f"{CLIENT}/24"),),
        routes=((VIRTUAL, "via", DIRECTOR_FRONT),),
    )
    director = LabHost(
        "director",
        (("front", "front0", f"{DIRECTOR_FRONT}/24"), ("back", "back0", f"{DIRECTOR_BACK}/24")),
    )
    servers = tuple(_server(method, role, number) for role, number in (("a", 11), ("b", 12), ("c", 13)))
    return Topology(method, ("front", "back"), client, director, servers)


def _server(method: Forward, role: str, number: int) -> LabHost:
    back = ("back", "back0", f"10.99.1.{number}/24")
    if method is Forward.NAT:
        return LabHost(role, (back,), routes=(("default", "via", DIRECTOR_BACK),), port=8080)
    return LabHost(
        role,
        (back, ("front", "front0", f"10.99.0.{number}/24")),
        sysctls=_QUIET,
        loopback=(f"{VIRTUAL}/32",),
        port=PORT,
        tunnel=method is Forward.TUN,
    )

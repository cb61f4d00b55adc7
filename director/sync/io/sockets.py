"""The multicast sockets of synchronisation (`lvs-semantics` J.1).

A master sends by one interface, to the groups' own network (TTL 1) and not to itself; a backup hears one
interface only.  Ports count up from the daemon's, one for each of `sync_ports`.  All raise OSError.
"""

from __future__ import annotations

import ipaddress
import socket
import struct

from director.model.virtual import SyncDaemon

ETHERNET = 1500
LARGEST = 65535
IP_MTU_DISCOVER, IP_PMTUDISC_DONT = 10, 0
"""Not named by the standard library."""
_V4 = struct.Struct("=4s4si")
"""Group, address, interface (`struct ip_mreqn`)."""
_V6 = struct.Struct("=16si")
"""Group, interface (`struct ipv6_mreq`)."""
_HEADERS = {4: 28, 6: 48}
"""Octets of IP and UDP headers by family."""


def family(daemon: SyncDaemon) -> int:
    """4 or 6: that of the group."""
    return ipaddress.ip_address(daemon.group).version


def room(daemon: SyncDaemon) -> int:
    """The octets of a master's messages."""
    headers = _HEADERS[family(daemon)]
    return min(daemon.maxlen or ETHERNET - headers, LARGEST - headers)


def sender(daemon: SyncDaemon, index: int) -> socket.socket:
    """A socket that sends to the group, on the `index`th port."""
    number = socket.if_nametoindex(daemon.interface)
    opened = _opened(daemon)
    try:
        if family(daemon) == 4:
            opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, _V4.pack(bytes(4), bytes(4), number))
            opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, daemon.ttl)
            opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
            opened.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT)
        else:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, number)
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, daemon.ttl)
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
        opened.connect(_place(daemon, index, number))
    except OSError:
        opened.close()
        raise
    return opened


def receiver(daemon: SyncDaemon, index: int) -> socket.socket:
    """A socket that hears the group on the `index`th port."""
    number = socket.if_nametoindex(daemon.interface)
    group = ipaddress.ip_address(daemon.group).packed
    opened = _opened(daemon)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, daemon.interface.encode())
        opened.bind(_place(daemon, index, number))
        if family(daemon) == 4:
            opened.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, _V4.pack(group, bytes(4), number))
        else:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, _V6.pack(group, number))
    except OSError:
        opened.close()
        raise
    return opened


def _opened(daemon: SyncDaemon) -> socket.socket:
    wanted = socket.AF_INET if family(daemon) == 4 else socket.AF_INET6
    opened = socket.socket(wanted, socket.SOCK_DGRAM)
    opened.setblocking(False)
    return opened


def _place(daemon: SyncDaemon, index: int, number: int) -> tuple[str, int] | tuple[str, int, int, int]:
    port = daemon.port + index
    return (daemon.group, port) if family(daemon) == 4 else (daemon.group, port, 0, number)

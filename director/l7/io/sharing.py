"""One address, several listening sockets: the kernel shares the clients among the processes that accept.

With SO_REUSEPORT (socket(7)) each socket has a queue of its own, so no process wakes for another's client,
and a process that is busy keeps nobody else's waiting.  The first socket is bound without it, so that an
address which another program has is refused as ever; the others join it.
"""

from __future__ import annotations

import socket
from typing import Any

from director.l7.io.listener import BACKLOG, FREE_BIND, refused
from director.model.pools import Address


def share(address: Address, count: int, *, join: bool | socket.socket = False) -> list[socket.socket]:
    """So many listening, non-blocking sockets on one address.  Raises BindError, with none left open.

    The machine may get the address later (ip(7), IP_FREEBIND).  `join`: others of this user share it already;
    a socket of theirs is made ready for it.
    """
    if isinstance(join, socket.socket):
        join.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    group: list[socket.socket] = []
    try:
        for _ in range(count):
            group.append(_bound(address, join=bool(join or group)))
        for sock in group:
            sock.listen(BACKLOG)
    except OSError as error:
        for sock in group:
            sock.close()
        raise refused(address, error) from error
    return group


def _bound(address: Address, *, join: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    target: Any = (address.host, address.port)
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setsockopt(*FREE_BIND[family], 1)
        if join:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind(target)
        # From before it listens: that is when it joins the group.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    except OSError:
        sock.close()
        raise
    return sock

"""What this process lacks for layer 4, found by trying, as one value for people and for `/readyz`."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

from attrs import frozen

from director.l4.io.capture import nft

_SO_RCVBUFFORCE = 33


@frozen
class Lacking:
    """What is missing (`what`, in short phrases) and what to do about it (`remedy`, a sentence)."""

    what: tuple[str, ...]
    remedy: str

    def __str__(self) -> str:
        return f"layer 4 is off: {', '.join(self.what)}. {self.remedy}"


def lacking() -> Lacking | None:
    """What layer 4 needs and this process has not, or None when it can start."""
    what: list[str] = []
    remedies: list[str] = []
    if not _may_open_packet_socket():
        what.append("no CAP_NET_RAW")
    if not _may_administer():
        what.append("no CAP_NET_ADMIN")
    if what:
        remedies.append(_grant())
    if nft.find() is None:
        what.append("no nftables")
        remedies.append("Install it: apt install nftables.")
    return Lacking(tuple(what), " ".join(remedies)) if what else None


def _grant() -> str:
    python = Path(sys.executable).resolve()
    return (
        "Grant both: in a systemd unit AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW; "
        f"or setcap cap_net_admin,cap_net_raw+ep {python} (that grants them to every program of this "
        "interpreter); or run as root."
    )


def _may_open_packet_socket() -> bool:
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
    except OSError:
        return False
    return True


def _may_administer() -> bool:
    """Asked with an option that needs the right and changes nothing but this socket."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
        try:
            sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 1 << 16)
        except OSError:
            return False
    return True

"""The facts of one packet as a scheduler may ask for them (`interfaces.IKey`).

Text forms are made only when asked for: most schedulers look at none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zope.interface import implementer

from director.interfaces import IKey
from director.l4.services import shown

if TYPE_CHECKING:
    from director.l4.wire.packet import Packet


def folded(address: bytes) -> int:
    """An address as 32 bits, IPv6 by XOR of its four words (B.2)."""
    number = 0
    for start in range(0, len(address), 4):
        number ^= int.from_bytes(address[start : start + 4], "big")
    return number


@implementer(IKey)
class PacketKey:
    """The ends of one packet.  What only layer 7 knows is empty."""

    __slots__ = (
        "_destination",
        "_source",
        "client_port",
        "hash_key",
        "host",
        "method",
        "path",
        "uri",
        "virtual_port",
    )

    def __init__(self, packet: Packet) -> None:
        self._source = packet.source
        self._destination = packet.destination
        self.client_port = packet.sport
        self.virtual_port = packet.dport
        self.host = self.path = self.uri = self.method = ""
        self.hash_key: str | None = None

    @property
    def client(self) -> str:
        """Client address without port."""
        return shown(self._source)

    @property
    def client_number(self) -> int:
        """Client address folded to 32 bits."""
        return folded(self._source)

    @property
    def virtual(self) -> str:
        """The address the client asked for."""
        return shown(self._destination)

    @property
    def virtual_number(self) -> int:
        """That address folded to 32 bits."""
        return folded(self._destination)

    def header(self, name: str) -> str | None:
        """Packets have none."""
        return None

    def cookie(self, name: str) -> str | None:
        """Packets have none."""
        return None

    def query(self, name: str) -> str | None:
        """Packets have none."""
        return None

    def group(self, number: int) -> str | None:
        """No rule was matched."""
        return None

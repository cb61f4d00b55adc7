"""The ports of one director: which interfaces have one, how it is opened, and what fails.

`director.L4Director` owns one `Ports`.  Interfaces that the settings name (all but the
loopback when they name none) are read and written; another interface that a route leads out
of gets a port that only sends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from attrs import define

from director.l4.io.alarms import Troubles
from director.l4.io.netlink.rtnetlink import KernelLink
from director.l4.io.packet.filter import Instruction
from director.l4.io.packet.ring import NOTHING, Port
from director.l4.io.packet.tpacket import RingSize

_SEND_ONLY = RingSize(slots=128, slot=2048)
OWN_DEVICES = "dirstack"
"""What the names of the director's own devices begin with (`inject`)."""


class MakePort(Protocol):
    """Opens the port of a link; raises OSError."""

    def __call__(self, link: KernelLink, program: list[Instruction], size: RingSize) -> Port:
        """The port, not yet reading."""


@define
class Ports:
    """Ports by interface index.

    `troubles` gets one sentence for each interface that cannot be used, and loses it again.
    """

    interfaces: tuple[str, ...]
    make: MakePort
    troubles: Troubles
    by_index: dict[int, Port]
    readers: set[int]

    @classmethod
    def empty(cls, interfaces: tuple[str, ...], make: MakePort, troubles: Troubles) -> Ports:
        """No port yet."""
        return cls(interfaces, make, troubles, {}, set())

    def wanted(self, link: KernelLink) -> bool:
        """True when frames of `link` are to be read."""
        if link.name == "lo":
            return False
        return link.name in self.interfaces if self.interfaces else not link.name.startswith(OWN_DEVICES)

    def read(self, link: KernelLink, program: list[Instruction]) -> bool:
        """Read frames of `link`, again if it was down; True when its port is new."""
        if link.ifindex in self.readers:
            self.by_index[link.ifindex].start()
            return False
        self.shut(link.ifindex)
        if self._open(link, program, RingSize.for_mtu(link.mtu)) is None:
            return False
        self.readers.add(link.ifindex)
        return True

    def sender(self, link: KernelLink | None) -> Port | None:
        """A port to send out of `link`, or None when there is no way."""
        return self._open(link, NOTHING, _SEND_ONLY) if link is not None and link.name != "lo" else None

    def attach(self, program: list[Instruction]) -> None:
        """Replace the filter of every port that reads."""
        for ifindex in self.readers:
            self.by_index[ifindex].attach(program)

    def captured(self) -> list[str]:
        """The names of the interfaces that are read."""
        return [self.by_index[ifindex].interface for ifindex in sorted(self.readers)]

    def changed(self, link: KernelLink) -> bool:
        """A link came, went, or got another name or MTU; True when its port had to be closed."""
        port = self.by_index.get(link.ifindex)
        if port is None or not (link.gone or (port.interface, port.mtu) != (link.name, link.mtu)):
            return False
        self.shut(link.ifindex)
        return True

    def check(self, links: Iterable[KernelLink]) -> None:
        """An interface of the settings that is not there, or down, is a trouble until it comes."""
        present: Mapping[str, KernelLink] = {link.name: link for link in links}
        for name in self.interfaces:
            link = present.get(name)
            if link is None:
                said = f"interface {name} does not exist; layer 4 starts on it when it appears"
            elif not (link.up and link.running):
                said = f"interface {name} is down; layer 4 works on it when it is up"
            elif link.ifindex in self.readers:
                self.troubles.over(name)
                continue
            else:
                continue
            self.troubles[name] = said

    def shut(self, ifindex: int) -> None:
        """Close one port; that there is none is no error."""
        self.readers.discard(ifindex)
        port = self.by_index.pop(ifindex, None)
        if port is not None:
            port.close()

    def close(self) -> None:
        """Close all."""
        for ifindex in list(self.by_index):
            self.shut(ifindex)

    def _open(self, link: KernelLink, program: list[Instruction], size: RingSize) -> Port | None:
        try:
            port = self.make(link, program, size)
        except OSError as error:
            self.troubles[link.name] = f"interface {link.name} cannot be opened: {error.strerror}"
            return None
        self.by_index[link.ifindex] = port
        port.start()
        return port

"""The engine in pure Python: packet sockets with mapped rings, and the forwarder's hot path.

Known flows are carried by `Forwarder.receive` itself, which reads the entry in the flow table; to install
one is to let it be believed for a while, to forget it to believe it no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from director.l4.flows import FastPathEntry, Flow
from director.l4.io.alarms import Troubles
from director.l4.io.capture.plan import CapturePlan
from director.l4.io.netlink.rtnetlink import KernelLink
from director.l4.io.packet import filter as packet_filter
from director.l4.io.packet.ports import MakePort, Ports
from director.l4.io.packet.ring import PacketPort, Port, Receive, Turn
from director.l4.io.packet.tpacket import RingSize

FRESH = 1.0
"""Seconds an entry is used before it is asked for anew: the longest a moved neighbour is missed."""


class RawEngine:
    """`Engine` over the ports of the interfaces.  `make_port` opens ports (a test's own, if any)."""

    def __init__(
        self,
        reactor: Any,
        clock: Callable[[], float],
        interfaces: tuple[str, ...],
        receive: Receive,
        link: Callable[[int], KernelLink | None],
        troubles: Troubles,
        make_port: MakePort | None = None,
    ) -> None:
        self._reactor, self._clock = reactor, clock
        self._receive, self._link = receive, link
        self._turn = Turn()
        self._program = packet_filter.program(CapturePlan())
        self.ports = Ports.empty(interfaces, make_port or self._packet_port, troubles)
        self.outputs: Mapping[int, Port] = self.ports.by_index

    def attach(self, plan: CapturePlan) -> None:
        """Replace the filter of every port that reads."""
        self._program = packet_filter.program(plan)
        self.ports.attach(self._program)

    def transmit(self, ifindex: int, frame: bytes | bytearray, offload: bytes) -> bool:
        """Send a frame; an interface that is not captured gets a port that only sends."""
        port = self.outputs.get(ifindex) or self.ports.sender(self._link(ifindex))
        if port is None:
            return False
        port.transmit(frame, offload)
        return True

    def install(self, entry: FastPathEntry, now: float) -> None:
        """The hot path may believe the entry for a while."""
        entry.valid_until = now + FRESH

    def forget(self, flow: Flow) -> None:
        """It may not any more."""
        flow.stale()

    def link_changed(self, link: KernelLink) -> bool:
        """Open, reopen or close the port of a link; True when one was closed or is new."""
        renewed = self.ports.changed(link)
        if link.up and not link.gone and self.ports.wanted(link):
            renewed = self.ports.read(link, self._program) or renewed
        return renewed

    def check(self, links: Iterable[KernelLink]) -> None:
        """Interfaces of the settings that are missing or down are troubles."""
        self.ports.check(links)

    def captured(self) -> list[str]:
        """The interfaces that are read."""
        return self.ports.captured()

    def refresh(self) -> None:
        """Ask the kernel what it dropped."""
        for port in self.outputs.values():
            port.refresh()

    def counters(self) -> Iterable[tuple[str, object]]:
        """Those of each port, by its interface."""
        return [(port.interface, port.counters) for port in self.outputs.values()]

    def close(self) -> None:
        """Close all ports."""
        self.ports.close()

    def _packet_port(
        self, link: KernelLink, program: list[packet_filter.Instruction], size: RingSize
    ) -> PacketPort:
        return PacketPort(
            self._reactor,
            self._clock,
            link.name,
            link.ifindex,
            receive=self._receive,
            program=program,
            mtu=link.mtu,
            size=size,
            first=size.at_first(),
            turn=self._turn,
        )

"""What moves packets for layer 4, as the shell sees it; `packet.raw` is the one that is always there.

The forwarder decides and the shell carries its verdicts out; an engine stands between them and the wire.  It
brings up the frames that the forwarder has to see, sends what it is told, and may carry by itself, without
asking, the packets that an installed entry describes: in Python that is the forwarder's own hot path, which
reads the entry in the flow table; a program in the kernel would have the entry's values in a map of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from director.l4.flows import FastPathEntry, Flow
from director.l4.io.alarms import Troubles
from director.l4.io.capture.plan import CapturePlan
from director.l4.io.netlink.rtnetlink import KernelLink
from director.l4.io.packet.ring import Port, Receive


class Engine(Protocol):
    """One engine of one director, in one network namespace."""

    outputs: Mapping[int, Port]
    """Where frames leave at once, by interface index; what is not here goes by `transmit`."""

    def attach(self, plan: CapturePlan) -> None:
        """From now on bring up what `plan` may concern, and nothing else."""

    def transmit(self, ifindex: int, frame: bytes | bytearray, offload: bytes) -> bool:
        """Send a frame on any interface; False when there is no such interface."""

    def install(self, entry: FastPathEntry, now: float) -> None:
        """Carry the packets that `entry` describes, until it is forgotten or out of date."""

    def forget(self, flow: Flow) -> None:
        """Carry no more packets of `flow`: the next one has to be decided."""

    def link_changed(self, link: KernelLink) -> bool:
        """An interface came, went or changed; True when what is captured has to be settled anew."""

    def check(self, links: Iterable[KernelLink]) -> None:
        """Say what is wrong with the interfaces that the settings name."""

    def captured(self) -> list[str]:
        """The names of the interfaces whose frames come up."""

    def refresh(self) -> None:
        """Bring the counters that the kernel keeps up to date."""

    def counters(self) -> Iterable[tuple[str, object]]:
        """Records of counters, each with the word that stands in front of their names."""

    def close(self) -> None:
        """Give everything back."""


MakeEngine = Callable[[Receive, Callable[[int], KernelLink | None], Troubles], Engine]
"""Makes one from where frames go, who knows the links by index, and whom to tell what is wrong."""

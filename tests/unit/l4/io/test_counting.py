from __future__ import annotations

from typing import Any

from director.l4.io.counting import of_parts
from director.l4.io.netlink.view import KernelView
from director.l4.io.packet.pending import HoldQueue
from director.l4.io.packet.ring import MemoryPacketPort


def test_every_counter_has_a_name_that_says_whose_it_is() -> None:
    asker: Any = None
    view = KernelView(asker, lambda _event: None)
    view.counters.route_queries = 3
    ports = [MemoryPacketPort(lambda: 0.0, f"eth{index}", index, receive=lambda *_: None) for index in (0, 1)]
    ports[1].counters.dropped_ring_full = 7
    engine = [(port.interface, port.counters) for port in ports]
    found = of_parts(HoldQueue(), view, engine)
    assert found["kernel_route_queries"] == 3
    assert (found["eth0_dropped_ring_full"], found["eth1_dropped_ring_full"]) == (0, 7)
    assert found["hold_held"] == 0
    assert "kernel_route_queries" not in of_parts(HoldQueue(), None, engine)

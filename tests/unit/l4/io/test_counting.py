from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from twisted.internet.task import Clock

from director.l4.io.counting import of_parts, of_sockets
from director.l4.io.netlink.view import KernelView
from director.l4.io.packet.late import LateQueue
from director.l4.io.packet.pending import HoldQueue
from director.l4.io.packet.ring import MemoryPacketPort
from director.l4.verdicts import Drop, Later


def test_every_counter_has_a_name_that_says_whose_it_is() -> None:
    asker: Any = None
    view = KernelView(asker, lambda _event: None)
    view.counters.route_queries = 3
    ports = [MemoryPacketPort(lambda: 0.0, f"eth{index}", index, receive=lambda *_: None) for index in (0, 1)]
    ports[1].counters.dropped_ring_full = 7
    engine = [(port.interface, port.counters) for port in ports]
    late = LateQueue(Clock(), lambda: 0.0, lambda _outcome, _now: None, most=0)
    late.put(Later(1.0, Drop("x")), 0.0)
    found = of_parts({"x": 2}, HoldQueue(), late, view, engine)
    assert (found["late_held"], found["late_dropped_full"]) == (0, 1)
    assert found["kernel_route_queries"] == 3
    assert (found["eth0_dropped_ring_full"], found["eth1_dropped_ring_full"]) == (0, 7)
    assert (found["hold_held"], found["drop_x"]) == (0, 2)
    assert "kernel_route_queries" not in of_parts({}, HoldQueue(), late, None, engine)


def test_only_what_is_open_has_counted() -> None:
    assert of_sockets(None, (None, None)) == {}
    injector: Any = SimpleNamespace(given=2, lost=1)
    reader: Any = SimpleNamespace(name="netlink", overruns=3)
    assert of_sockets(injector, (reader, None)) == {
        "netlink_overruns": 3,
        "stack_given": 2,
        "stack_lost": 1,
    }

"""The counters of the shell's parts under one name each, as people see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from director.l4.io.capture.nftwatch import TableWatch
from director.l4.io.netlink.socket import NetlinkReader
from director.l4.io.netlink.view import KernelView
from director.l4.io.packet.late import LateQueue
from director.l4.io.packet.pending import HoldQueue
from director.l4.io.packet.reinject import StackInjector


def of_parts(
    drops: Mapping[str, int],
    held: HoldQueue[Any],
    late: LateQueue,
    view: KernelView | None,
    engine: Iterable[tuple[str, object]],
) -> dict[str, int]:
    """Drops by reason, what waits for neighbours or its time, what the kernel was asked, the engine's own."""
    sources: list[tuple[str, object]] = [("hold", held.counters), ("late", late.counters)]
    if view is not None:
        sources.append(("kernel", view.counters))
    sources += engine
    return {f"drop_{reason}": count for reason, count in drops.items()} | {
        f"{prefix}_{field.name}": getattr(counters, field.name)
        for prefix, counters in sources
        for field in getattr(type(counters), "__attrs_attrs__", ())
    }


def of_sockets(
    injector: StackInjector | None, readers: Iterable[NetlinkReader | TableWatch | None]
) -> dict[str, int]:
    """What was given back to the host, and what the kernel could not tell; of those that are open."""
    result = {f"{one.name}_overruns": one.overruns for one in readers if one is not None}
    if injector is not None:
        result["stack_given"], result["stack_lost"] = injector.given, injector.lost
    return result

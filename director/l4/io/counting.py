"""The counters of the shell's parts under one name each, as people see them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from director.l4.io.netlink.view import KernelView
from director.l4.io.packet.pending import HoldQueue


def of_parts(
    held: HoldQueue[Any], view: KernelView | None, engine: Iterable[tuple[str, object]]
) -> dict[str, int]:
    """What is held for neighbours, what the kernel was asked, and the engine's own under their words."""
    sources: list[tuple[str, object]] = [("hold", held.counters)]
    if view is not None:
        sources.append(("kernel", view.counters))
    sources += engine
    return {
        f"{prefix}_{field.name}": getattr(counters, field.name)
        for prefix, counters in sources
        for field in getattr(type(counters), "__attrs_attrs__", ())
    }

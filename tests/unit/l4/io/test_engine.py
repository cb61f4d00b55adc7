"""What the shell asks of an engine is what the raw one offers: nothing more, nothing by another name."""

from __future__ import annotations

import inspect

from director.l4.io.engine import Engine
from director.l4.io.packet.raw import RawEngine


def test_the_raw_engine_has_each_method_with_the_same_parameters() -> None:
    asked = {
        name: list(inspect.signature(method).parameters)
        for name, method in vars(Engine).items()
        if inspect.isfunction(method) and not name.startswith("_")
    }
    assert set(asked) >= {"attach", "transmit", "install", "forget", "counters"}
    offered = {name: list(inspect.signature(getattr(RawEngine, name)).parameters) for name in asked}
    assert offered == asked

from __future__ import annotations

import inspect

from director.admin.control import Control
from director.admin.testing import MemoryControl, record
from tests.unit.admin import sample


def methods(kind: type) -> dict[str, inspect.Signature]:
    return {
        name: inspect.signature(found)
        for name, found in vars(kind).items()
        if inspect.isfunction(found) and not name.startswith("_")
    }


def test_the_fake_has_each_method_with_the_same_signature() -> None:
    wanted, found = methods(Control), methods(MemoryControl)
    assert {name: found.get(name) for name in wanted} == wanted


def test_it_stands_for_a_control() -> None:
    control: Control = sample.control()
    assert control.readiness().ready
    assert control.snapshot().generation == 1


def test_a_record_can_be_told_what_differs() -> None:
    assert record(id="x")["id"] == "x"
    assert record()["scheduler"] is None

"""What the admin asks of layer 7 is there, in one process and in several, with the same arguments."""

from __future__ import annotations

import inspect

import pytest

from director.program.layer7 import Layer7
from director.program.processes.workers import Workers
from director.program.traffic import TrafficView


@pytest.mark.parametrize("cls", [Layer7, Workers])
def test_every_method_is_there(cls: type) -> None:
    wanted = {
        name: one for name, one in inspect.getmembers(TrafficView, inspect.isfunction) if name[0] != "_"
    }
    assert wanted
    for name, one in wanted.items():
        found = getattr(cls, name)
        assert list(inspect.signature(found).parameters) == list(inspect.signature(one).parameters), name
    assert isinstance(inspect.getattr_static(cls, "clients"), property)

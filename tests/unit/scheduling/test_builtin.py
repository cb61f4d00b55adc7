from __future__ import annotations

from random import Random

from zope.interface.verify import verifyObject

from director.interfaces import IScheduler, ISchedulerPlugin
from director.model.pools import SchedulerSpec
from director.plugins import discover
from director.scheduling.builtin import BUILT_IN
from director.scheduling.catalog import Catalog


def test_each_is_declared_once_and_can_be_made() -> None:
    catalog = Catalog(BUILT_IN)
    assert len(catalog.names) == len(BUILT_IN)
    for one in BUILT_IN:
        assert verifyObject(ISchedulerPlugin, one)
        argument = "client" if one.takes_argument else ""
        for flag in ("", *one.flags):
            made = catalog.make(SchedulerSpec(one.name, argument, (flag,) if flag else ()), Random(0))
            assert verifyObject(IScheduler, made)


def test_the_installed_ones_are_these() -> None:
    listed = {(one.name, one.location, one.flags, one.takes_argument) for one in BUILT_IN}
    assert {(one.name, one.location, one.flags, one.takes_argument) for one in discover()} == listed

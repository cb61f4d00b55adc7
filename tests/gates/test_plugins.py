"""The exact set of plug-ins: Twisted only logs a plug-in file that fails, so a name could vanish unseen."""

from __future__ import annotations

import pytest
from twisted.application.service import IServiceMaker, ServiceMaker
from twisted.plugin import getPlugins

from director.interfaces import ISchedulerPlugin
from tests.gates.sources import PLUGINS

IPVS = {"rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh", "twos"}
KTCPVS = {"http", "hhttp", "phttp", "chttp"}
BEYOND = {"random", "p2c", "ewma", "least-time", "hash"}
TUTORIAL = {"test"}


def test_twistd_knows_one_command_of_ours() -> None:
    makers = [maker for maker in getPlugins(IServiceMaker) if isinstance(maker, ServiceMaker)]
    ours = [maker.tapname for maker in makers if maker.module.startswith("director.")]
    assert ours == ["director"]


def test_schedulers_are_exactly_those_of_the_documentation() -> None:
    if not (PLUGINS / "director_schedulers.py").exists():
        pytest.skip("twisted/plugins/director_schedulers.py is not there yet")
    names = sorted(plugin.name for plugin in getPlugins(ISchedulerPlugin))
    assert names == sorted(IPVS | KTCPVS | BEYOND | TUTORIAL)


def test_each_plugin_file_is_known() -> None:
    files = {path.name for path in PLUGINS.glob("*.py")}
    assert files <= {"director_plugin.py", "director_schedulers.py"}

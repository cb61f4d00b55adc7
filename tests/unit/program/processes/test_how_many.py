from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from director.model.http import L7Service
from director.model.pools import Address
from director.model.settings import Configuration, Settings
from director.program.processes import how_many
from director.program.processes.how_many import can_run, processes
from tests.support.said import said


@pytest.mark.parametrize(("runs", "wanted"), [(True, len(os.sched_getaffinity(0))), (False, 0)])
def test_who_may_not_run_this_python_starts_no_other(
    monkeypatch: pytest.MonkeyPatch, runs: bool, wanted: int
) -> None:
    monkeypatch.setattr(how_many, "can_run", lambda owner: runs and owner == (65534, 65534))
    configuration = Configuration(Settings(workers=-1))
    with said() as lines:
        assert processes(configuration, (65534, 65534)) == wanted
    assert any("may not run" in line for line in lines) is not runs
    assert processes(Configuration(Settings(workers=3)), (65534, 65534)) == 3


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_it_is_tried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert can_run((0, 0))
    hidden = tmp_path / "python"
    hidden.symlink_to(sys.executable)
    tmp_path.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(hidden))
    assert not can_run((65534, 65534))


def test_how_many_processes_serve() -> None:
    def workers(number: int, *listen: Address) -> int:
        return processes(Configuration(Settings(workers=number), l7=(L7Service("www", listen, pool="web"),)))

    mine = len(os.sched_getaffinity(0))
    own, shared = Address(endpoint="tcp:80"), Address(endpoint="systemd:domain=INET:index=0")
    assert (workers(0), workers(3, own)) == (0, 3)
    assert [workers(-1), workers(-1, shared), workers(-1, shared, own)] == [mine, mine, 0]

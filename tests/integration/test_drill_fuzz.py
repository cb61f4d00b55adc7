"""`director drill fuzz`: hundreds of simulated runs of the shipped configurations, and the command itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import needs
from tests.support.running import ROOT
from tests.support.simulations import written

pytestmark = [pytest.mark.integration, needs.director]


def fuzz(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("director")), "drill", "fuzz", *words]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=300, env={**os.environ, **environment}
    )


@pytest.mark.parametrize(
    ("name", "runs"),
    [
        ("etc/director.ini", 120),
        ("etc/examples/fault.ini", 30),
        ("etc/examples/sticky.ini", 30),
        ("etc/drills/thundering-return.ini", 30),
    ],
)
def test_the_shipped_configurations_keep_every_promise(name: str, runs: int) -> None:
    done = fuzz(str(ROOT / name), "--runs", str(runs), "--seed", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{runs} run(s) with " in done.stdout


def test_a_seed_says_all_whatever_the_order_of_hashes(tmp_path: Path) -> None:
    path = written(tmp_path)
    told = [fuzz(path, "--runs", "15", "--seed", "7", "--json", PYTHONHASHSEED=seed).stdout for seed in "12"]
    assert told[0] == told[1]
    assert json.loads(told[0])["runs"] == 15


def test_what_cannot_be_done_is_usage(tmp_path: Path) -> None:
    assert fuzz(str(tmp_path / "nobody.ini")).returncode == 2
    assert fuzz(written(tmp_path), "--seed", "x").returncode == 2

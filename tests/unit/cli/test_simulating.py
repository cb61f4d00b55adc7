from __future__ import annotations

from pathlib import Path

import pytest

from director.cli import simulating
from director.cli.client import Refused
from director.cli.invocation import USAGE
from tests.support.simulations import TEXT


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "sorry.html").write_text("sorry\n")
    made = tmp_path / "a.ini"
    made.write_text(TEXT)
    return made


def test_a_seed_is_one_run_and_the_same_each_time(path: Path) -> None:
    made = simulating.report(path, None, 7)
    assert (made["runs"], made["seed"], made["kept"]) == (1, 7, True)
    assert simulating.report(path, None, 7) == made
    assert "every promise was kept" in simulating.text(made)


def test_so_many_runs_as_were_asked_for(path: Path) -> None:
    made = simulating.report(path, 3, None)
    assert made["runs"] == 3
    assert 0 <= made["seed"] < simulating.SEEDS


@pytest.mark.parametrize(
    ("name", "runs", "said"),
    [("nobody.ini", 1, "there is no file"), ("a.ini", 0, "cannot be made"), ("bad.ini", 1, "has errors")],
)
def test_what_cannot_be_done_is_usage(path: Path, name: str, runs: int, said: str) -> None:
    (path.parent / "bad.ini").write_text(TEXT.replace("scheduler = rr", "scheduler = none"))
    with pytest.raises(Refused, match=said) as refused:
        simulating.report(path.parent / name, runs, 1)
    assert refused.value.code == USAGE

from __future__ import annotations

import os
from pathlib import Path

import pytest

from director.demo import lab
from director.demo.topology import METHODS
from director.errors import DirectorError
from director.model.pools import Forward


def test_the_table_shows_both_sides() -> None:
    one = lab.LabExchange("10.99.2.80:80", "a", "10.99.0.2:1234", "10.99.1.11:8080")
    assert lab.table(lab.LabReport(Forward.NAT, (one,), "8 MB downloaded")) == [
        "nat: the director rewrites addresses both ways",
        "  client asked   answered by  the server saw it come from  to",
        "  10.99.2.80:80  a            10.99.0.2:1234               10.99.1.11:8080",
        "  8 MB downloaded",
        "  ok",
    ]


def test_a_failure_is_said() -> None:
    lines = lab.table(lab.LabReport(Forward.TUN, failed="no answer"))
    assert lines[-1] == "  FAILED: no answer"


@pytest.mark.parametrize("method", METHODS)
def test_each_method_has_its_example(method: Forward) -> None:
    assert (lab.examples() / f"lvs-{method.value}.ini").is_file()


def test_without_root_it_says_so_before_it_does_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    for call in (lab.lab_run, lab.lab_up, lab.lab_down):
        with pytest.raises(DirectorError, match="need root"):
            call()


def test_the_director_is_started_as_an_operator_does(tmp_path: Path) -> None:
    argv = lab.twistd(tmp_path / "x.ini")
    assert argv[-5:] == ["-n", "--pidfile=", "director", "-c", str(tmp_path / "x.ini")]

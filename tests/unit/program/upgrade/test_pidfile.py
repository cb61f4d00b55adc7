from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from director.program.upgrade.pidfile import PidFile
from tests.support.said import said


def test_it_is_hidden_from_twistd_until_it_names_this_process(tmp_path: Path) -> None:
    path = tmp_path / "twistd.pid"
    path.write_text("4711")
    options: dict[str, Any] = {"pidfile": str(path)}
    file = PidFile(options)
    file.put_off()
    assert options == {"pidfile": ""}, "it would not start, for 4711 runs"
    assert path.read_text() == "4711"
    file.take()
    assert path.read_text() == str(os.getpid())
    assert options == {"pidfile": str(path)}, "twistd removes it at the end"
    file.give_up()
    assert options == {"pidfile": ""}
    assert path.exists(), "it is another's"


@pytest.mark.parametrize("options", [None, {}, {"pidfile": ""}])
def test_without_one_nothing_is_written(options: dict[str, Any] | None, tmp_path: Path) -> None:
    file = PidFile(options)
    file.put_off()
    file.take()
    file.give_up()
    assert list(tmp_path.iterdir()) == []


def test_one_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    options: dict[str, Any] = {"pidfile": str(tmp_path)}
    file = PidFile(options)
    file.put_off()
    with said() as heard:
        file.take()
    assert any(f"{tmp_path} names the process before this one" in one for one in heard)
    assert options == {"pidfile": ""}

from __future__ import annotations

import json
from pathlib import Path

from tests.support.running import free_port
from tests.unit.cli.memory import Run

GOOD = (
    "[director]\nstate_dir = var\n[pool:web]\nserver.a = 127.0.0.1:9001\n[l7:www]\nlisten = :80\npool = web\n"
)


def test_check_exits_as_documented(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.ini"
    path.write_text(GOOD)
    assert run("check", str(path), "--offline") == (0, "no errors, no warnings\n", "")
    assert run("check", str(path), "--offline", "--strict")[0] == 0
    path.write_text(GOOD.replace("9001", str(free_port())))
    code, out, _ = run("check", str(path))
    assert (code, out.count("the server takes no connection now: connection refused")) == (0, 1)
    assert run("check", str(path), "--strict")[0] == 1
    path.write_text(GOOD.replace("pool = web", "pool = wbe"))
    code, out, _ = run("check", str(path))
    assert code == 2
    assert f"{path}:7:8: error: [l7:www] pool = wbe: " in out
    code, out, _ = run("check", str(path), "--json")
    assert code == 2
    assert json.loads(out)[-1]["line"] == 7


def test_check_of_a_file_that_is_not_there(run: Run, tmp_path: Path) -> None:
    assert run("check", str(tmp_path / "none.ini"))[0] == 2

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from director.cli import rehearsing
from director.cli.client import Refused

GOOD = """[director]
drills = allowed
[l7:www]
listen = 127.0.0.1:1
pool = web
[pool:web]
server.a = 127.0.0.1:2
[drill:x]
service = www
step 1s = end
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "a.ini"
    path.write_text(text)
    return path


def test_the_drills_of_a_file(tmp_path: Path) -> None:
    assert rehearsing.drills_of(written(tmp_path, GOOD)) == ["x"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace("step 1s = end", "step 1 = end"), "has errors"),
        (GOOD.partition("[drill")[0], "has no drill"),
        (GOOD.replace("drills = allowed\n", "name = x\n"), "drills are not allowed by"),
    ],
)
def test_files_that_rehearse_nothing(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Refused, match=said) as caught:
        rehearsing.drills_of(written(tmp_path, text))
    assert caught.value.code == 2


def test_a_socket_that_is_named_is_taken(tmp_path: Path) -> None:
    with rehearsing.director(tmp_path / "a.ini", str(tmp_path / "s")) as client:
        assert client is not None


def test_one_that_cannot_serve_tells_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []

    def start(_path: Path, place: Path) -> subprocess.Popen[bytes]:
        with (place / "log").open("wb") as log:
            code = "print('the address is in use'); raise SystemExit(1)"
            made = subprocess.Popen([sys.executable, "-c", code], stdout=log)
        started.append(made)
        return made

    monkeypatch.setattr(rehearsing, "_start", start)
    with (
        pytest.raises(Refused, match="the address is in use") as caught,
        rehearsing.director(written(tmp_path, GOOD), ""),
    ):
        pass
    assert caught.value.code == 2
    assert started[0].returncode == 1

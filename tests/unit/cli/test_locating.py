from __future__ import annotations

from pathlib import Path

import pytest

from director.cli import configuration, locating


def test_the_socket_is_found_by_option_then_environment_then_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def path(socket: str = "", config: str = "") -> str:
        return str(locating.connected(socket, config)._path)

    monkeypatch.setattr(configuration, "state_dir", lambda file: Path("/state") / file.stem)
    monkeypatch.delenv("DIRECTOR_SOCKET", raising=False)
    monkeypatch.setattr(locating, "DEFAULT_FILES", (str(tmp_path / "here.ini"), str(tmp_path / "host.ini")))
    assert path() == "/state/here/control.sock"
    (tmp_path / "host.ini").touch()
    assert path() == "/state/host/control.sock"
    (tmp_path / "here.ini").touch()
    assert path() == "/state/here/control.sock"
    assert path(config="a/edge.ini") == "/state/edge/control.sock"
    monkeypatch.setenv("DIRECTOR_SOCKET", "/env.sock")
    assert path() == "/env.sock"
    assert path(config="a/edge.ini") == "/state/edge/control.sock"
    assert path("/named.sock", "a/edge.ini") == "/named.sock"

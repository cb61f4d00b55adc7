from __future__ import annotations

import stat
from pathlib import Path

import pytest

from director.demo import certificate
from director.tls.io.certificates import read_pair


def test_it_can_be_served_and_is_nobody_elses(tmp_path: Path) -> None:
    path = tmp_path / "new" / "demo.pem"
    certificate.write(path, ["shop.example.org", "127.0.0.1"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_pair("demo", str(path)).names == ("shop.example.org", "127.0.0.1")
    assert list(path.parent.iterdir()) == [path]


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["certificate"])
    assert certificate.main() == 2
    assert "usage" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["certificate", str(tmp_path / "a.pem"), "a.example"])
    assert certificate.main() == 0
    assert (tmp_path / "a.pem").exists()

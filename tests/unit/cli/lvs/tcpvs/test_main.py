from __future__ import annotations

from pathlib import Path

import pytest

from director.cli.client import ApiClient
from director.cli.lvs.tcpvs.main import main
from tests.unit.cli.memory import MemoryClient


def call(client: MemoryClient, *words: str) -> int:
    return main(["/usr/sbin/tcpvsadm", *words], client)  # type: ignore[arg-type]


def test_without_a_director_it_ends_as_without_the_module(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A.4: it exits 2 if the first contact fails."""
    assert main(["tcpvsadm", "-L"], ApiClient(tmp_path / "control.sock")) == 2
    assert "no director is running there" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["-h", "--help", "--version"])
def test_what_it_says_of_itself_needs_no_director(
    word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIRECTOR_SOCKET", raising=False)
    assert main(["director-tcpvsadm", word]) == 0
    assert "tcpvsadm" in capsys.readouterr().out


def test_a_change_that_is_not_kept_ends_with_4(capsys: pytest.CaptureFixture[str]) -> None:
    client = MemoryClient()
    client.admin.control.lost = "the disk is full"
    assert call(client, "-A", "-i", "x") == 4
    assert "not kept" in capsys.readouterr().err

from __future__ import annotations

import io
from pathlib import Path

import pytest

from director.cli.client import ApiClient
from director.cli.lvs.main import main
from tests.unit.cli.memory import MemoryClient

ADD = ["-A", "-t", "192.0.2.1:80", "-s", "rr"]


def call(client: MemoryClient, *words: str, program: str = "/usr/sbin/ipvsadm") -> int:
    return main([program, *words], client)  # type: ignore[arg-type]


def test_without_a_director_it_says_so_as_without_a_module(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`lvs-semantics` I.2: no IPVS ends with 2."""
    assert main(["ipvsadm", "-L"], ApiClient(tmp_path / "control.sock")) == 2
    assert capsys.readouterr().err.startswith("Can't initialize ipvs: no director is running there")


@pytest.mark.parametrize("word", ["-h", "--help", "-v", "--version"])
def test_what_it_says_of_itself_needs_no_director(
    word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIRECTOR_SOCKET", raising=False)
    assert main(["director-ipvsadm", word]) == 0
    assert capsys.readouterr().out
    assert main(["director-ipvsadm", "-L"]) == 2


def test_hints_name_the_program_as_it_was_called(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(MemoryClient(), "-q") == 255
    assert capsys.readouterr().err.startswith("Try `ipvsadm -h' or 'ipvsadm --help'")
    call(MemoryClient(), "-q", program="/opt/bin/director-ipvsadm")
    assert "director-ipvsadm --help" in capsys.readouterr().err


def test_what_is_saved_is_restored(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = MemoryClient()
    assert call(client, "-C") == 0
    rules = "-A -t 192.0.2.1:80 -s sh -b sh-fallback\n-a -t 192.0.2.1:80 -r 10.0.0.1:8080 -m -w 3 -x 4 -y 1\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(rules))
    assert call(client, "-R") == 0
    assert call(client, "-S", "-n") == 0
    assert capsys.readouterr() == (rules, "")


def test_a_change_that_is_not_kept_ends_with_4(capsys: pytest.CaptureFixture[str]) -> None:
    client = MemoryClient()
    client.admin.control.lost = "the disk is full"
    assert call(client, *ADD) == 4
    assert "not kept" in capsys.readouterr().err


def test_the_director_is_found_by_its_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DIRECTOR_SOCKET", str(tmp_path / "here.sock"))
    assert main(["ipvsadm", "-L"]) == 2
    assert str(tmp_path / "here.sock") in capsys.readouterr().err

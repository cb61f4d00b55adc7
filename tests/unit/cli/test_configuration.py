from __future__ import annotations

import io
from pathlib import Path

import pytest

from director.cli import configuration
from director.cli.client import Refused

GOOD = "[director]\nstate_dir = ../var\n[pool:web]\nserver.a = 127.0.0.1:9001\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "etc" / "director.ini"
    path.parent.mkdir()
    path.write_text(text)
    return path


def test_the_state_dir_is_relative_to_the_file(tmp_path: Path) -> None:
    found = configuration.state_dir(written(tmp_path, GOOD))
    assert found.resolve() == tmp_path / "var"


def test_a_file_with_errors_still_names_its_state_dir(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD + "[l7:www]\nlisten = :8080\npool = none\n")
    checked = configuration.check(str(path))
    assert checked.errors == 1
    assert configuration.exit_code(checked, strict=False) == 2
    assert configuration.text(checked).endswith("1 error, 1 warning\n")
    assert configuration.state_dir(path).resolve() == tmp_path / "var", "the running director is still there"
    path.write_text("[director]\nstate_dir =\n[l7:www]\nlisten = :8080\npool = none\n")
    with pytest.raises(Refused, match=r"has errors(.|\n)*director check"):
        configuration.state_dir(path)


def test_a_file_that_is_not_there_says_what_to_name() -> None:
    with pytest.raises(Refused, match=r"there is no(.|\n)*-c FILE(.|\n)*--socket PATH"):
        configuration.state_dir(Path("/nowhere/director.ini"))


def test_standard_input_is_read_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "more.ini").write_text("[pool:web]\nserver.a = 127.0.0.1:9001\nbogus = 1\n")
    text = b"[director]\nstate_dir = var\ninclude = *.ini\n[l7:www]\nlisten = :8080\ncolour = red\n"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
    checked = configuration.check("-", offline=True)
    found = {(one.file, one.line) for one in checked.problems if one.severity == "error"}
    assert found == {("-", 6), ("more.ini", 3)}


def test_a_file_named_as_standard_input_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-").write_text(GOOD)
    monkeypatch.setattr("sys.stdin", None)
    assert configuration.check("./-", offline=True).errors == 0

from __future__ import annotations

import os
from pathlib import Path

import pytest

from director.config.io.load import check, find, load, read

GOOD = "[l7:s]\nlisten = :80\npool = p\n[pool:p]\nserver.a = ${HOST}:80\n"


def test_real_files_and_their_includes(tmp_path: Path) -> None:
    (tmp_path / "main.ini").write_text("[director]\ninclude = d/*.ini\nstate_dir = var\n")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.ini").write_text(GOOD)
    loaded = load(str(tmp_path / "main.ini"), environ={"HOST": "10.0.0.1"})
    assert loaded.problems == ()
    assert loaded.require().settings.state_dir == str(tmp_path / "var")
    assert loaded.document.files[1] == str(tmp_path / "d" / "a.ini")


def test_check_gives_the_pair(tmp_path: Path) -> None:
    path = tmp_path / "main.ini"
    path.write_text("[x]\n")
    configuration, problems = check(str(path), environ={})
    assert configuration is None
    assert [(p.file, p.line, p.column) for p in problems] == [(str(path), 1, 1)]


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "none", "No such file"), (tmp_path, "Is a directory")):
        (problem,) = check(str(path))[1]
        assert words in problem.message


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        read(str(tmp_path / "pipe"))


def test_patterns(tmp_path: Path) -> None:
    (tmp_path / "a.ini").touch()
    assert find(str(tmp_path / "*.ini")) == [str(tmp_path / "a.ini")]

"""Files that others can write are not obeyed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from director.program.configuration import read
from director.program.rights import doubts

INI = "[director]\nstate_dir = var\ninclude = more.ini\n[scheduler:own]\npython = own.py:Own\n"
OWN = "raise SystemExit('this is executed')\n"


def files(tmp_path: Path) -> dict[str, Path]:
    made = {name: tmp_path / name for name in ("director.ini", "more.ini", "own.py")}
    for name, text in zip(made, (INI, "[page:a]\nfile = more.ini\n", OWN), strict=True):
        made[name].write_text(text)
        made[name].chmod(0o644)
    tmp_path.chmod(0o755)
    return made


@pytest.mark.parametrize(
    ("mode", "severities"),
    [(0o644, []), (0o600, []), (0o646, ["error"]), (0o666, ["error"]), (0o602, ["error"]), (0o755, [])],
)
def test_anybody_can_write(tmp_path: Path, mode: int, severities: list[str]) -> None:
    path = files(tmp_path)["director.ini"]
    path.chmod(mode)
    assert [severity for severity, _, _ in doubts(path)] == severities


def test_anybody_can_replace(tmp_path: Path) -> None:
    path = files(tmp_path)["director.ini"]
    tmp_path.chmod(0o777)
    assert [severity for severity, _, _ in doubts(path)] == ["error"]
    # As in /tmp: others cannot rename or remove what is not theirs (inode(7), S_ISVTX).
    tmp_path.chmod(0o1777)
    assert list(doubts(path)) == []


def test_anybody_can_replace_a_folder_on_the_way(tmp_path: Path) -> None:
    """Also on the way to a link to it."""
    deep = tmp_path / "etc" / "deep"
    deep.mkdir(parents=True)
    path, link = deep / "a.ini", tmp_path / "a.ini"
    path.write_text(INI)
    link.symlink_to(path)
    deep.parent.chmod(0o777)
    for one in (path, link):
        assert [(severity, hint) for severity, _, hint in doubts(one)] == [
            ("error", f"chmod o-w {deep.parent}")
        ]
    deep.parent.chmod(0o755)
    assert list(doubts(link)) == []


def test_the_program_of_a_check_is_executed_too(tmp_path: Path) -> None:
    made = files(tmp_path)
    made["director.ini"].write_text(f"[director]\nstate_dir = var\n[check:x]\nexec = {made['own.py']} a\n")
    assert read(str(made["director.ini"])).configuration is not None
    made["own.py"].chmod(0o777)
    (problem,) = [one for one in read(str(made["director.ini"])).problems if one.severity == "error"]
    assert problem.message.endswith("anybody can write this file, and the director would obey")
    assert problem.line == 4


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize(
    ("owner", "group", "mode", "severities"),
    [
        (0, 0, 0o664, []), (0, 12345, 0o664, ["warning"]), (0, 12345, 0o644, []),
        (12345, 0, 0o644, ["warning"]),
        (12345, 12345, 0o664, ["warning"]), (12345, 0, 0o666, ["error", "warning"]),
    ],
)  # fmt: skip
def test_groups_and_other_users(
    tmp_path: Path, owner: int, group: int, mode: int, severities: list[str]
) -> None:
    path = files(tmp_path)["own.py"]
    os.chown(path, owner, group)
    path.chmod(mode)
    assert [severity for severity, _, _ in doubts(path)] == severities


def test_what_is_not_there_is_told_by_others(tmp_path: Path) -> None:
    assert list(doubts(tmp_path / "none")) == []


@pytest.mark.parametrize("name", ["director.ini", "more.ini", "own.py"])
def test_a_configuration_that_anybody_can_write_is_refused_before_anything_runs(
    tmp_path: Path, name: str
) -> None:
    made = files(tmp_path)
    made[name].chmod(0o666)
    loaded = read(str(made["director.ini"]))
    assert loaded.configuration is None
    (problem,) = [one for one in loaded.problems if one.severity == "error"]
    assert "anybody can write this file" in problem.message
    assert problem.hint == f"chmod o-w {made[name]}"
    assert problem.file == str(made["director.ini" if name == "own.py" else name])

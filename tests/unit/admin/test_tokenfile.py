from __future__ import annotations

import os
from pathlib import Path

import pytest

from director.admin.tokenfile import load_token


def test_a_token_is_made_private_and_long(tmp_path: Path) -> None:
    path = tmp_path / "state" / "admin.token"
    old = os.umask(0)
    try:
        token, note = load_token(path)
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text() == token + "\n"
    assert len(token) * 6 >= 256
    assert "made a new" in note
    assert list(path.parent.iterdir()) == [path]


def test_it_is_kept_across_restarts(tmp_path: Path) -> None:
    path = tmp_path / "admin.token"
    first, _ = load_token(path)
    assert load_token(path) == (first, "")


@pytest.mark.parametrize(
    "content", ["", "short\n", "with a space in its forty-three characters", "ä" * 40, "a\0" * 30]
)
def test_a_file_without_a_usable_token_is_replaced(tmp_path: Path, content: str) -> None:
    path = tmp_path / "admin.token"
    path.write_text(content)
    path.chmod(0o600)
    token, note = load_token(path)
    assert token not in content or not content
    assert "replaced" in note
    assert load_token(path) == (token, "")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_file_that_others_could_read_is_replaced(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "admin.token"
    first, _ = load_token(path)
    path.chmod(mode)
    second, note = load_token(path)
    assert second != first
    assert "read by others" in note
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.write_text("x" * 43)
    target.chmod(0o600)
    path = tmp_path / "admin.token"
    path.symlink_to(target)
    token, _ = load_token(path)
    assert token != "x" * 43
    assert not path.is_symlink()
    assert target.read_text() == "x" * 43


def test_a_folder_in_its_place_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "admin.token"
    path.mkdir()
    with pytest.raises(OSError, match=r"."):
        load_token(path)
    assert list(tmp_path.iterdir()) == [path]

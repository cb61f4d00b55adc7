from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from director.errors import StoreError
from director.store.io.place import Place, held
from tests.support.raising import nothing_raised


def test_it_is_made_and_is_one_directors_until_he_leaves(tmp_path: Path) -> None:
    path = tmp_path / "a" / "var"
    first, second = Place(path), Place(path)
    assert not held(path)
    assert not path.exists()
    first.take()
    assert held(path)
    assert path.stat().st_mode & 0o027 == 0
    with pytest.raises(StoreError, match=f"another director runs with .*state_dir = {path}"):
        second.take()
    first.leave()
    first.leave()
    assert not held(path)
    second.take()
    second.leave()
    assert not held(Path()), "no state_dir is nobody's"


def test_what_cannot_be_made_says_which_key(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"\[director\] state_dir = .*file/var cannot be made: Not a dir"):
        Place(tmp_path / "file" / "var").take()


def test_the_mark_of_a_killed_run_is_no_lock_of_the_process_that_has_its_number_now(tmp_path: Path) -> None:
    (tmp_path / "control.sock.lock").symlink_to(str(os.getpid()))
    (tmp_path / "control.sock").touch()
    place = Place(tmp_path)
    place.forget_socket("control.sock")
    assert (tmp_path / "control.sock").exists(), "only who has the place may touch it"
    place.take()
    place.forget_socket("control.sock")
    assert list(tmp_path.iterdir()) == []
    place.forget_socket("control.sock")
    place.leave()


def test_a_file_system_without_locks_is_used_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_descriptor: int, _how: int) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", refuse)
    place = Place(tmp_path)
    with nothing_raised("a place without locks"):
        place.take()
        place.leave()

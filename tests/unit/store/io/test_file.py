from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from director.errors import StoreError
from director.model.pools import State
from director.registry.edits import ordered
from director.store.io.file import FileStore, replace
from director.store.kept import LARGEST, Kept
from tests.support.loops import loop_of

KEPT = Kept("5eed", (ordered(("web", "a"), State.DRAIN),))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_a_file_is_replaced_with_the_rights_asked_for(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "x"
    before = os.umask(umask)
    try:
        replace(path, b"one", 0o640)
        replace(path, b"two", 0o600)
    finally:
        os.umask(before)
    assert (path.read_bytes(), mode(path)) == (b"two", 0o600)
    assert [one.name for one in tmp_path.iterdir()] == ["x"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.mkdir()
    (path / "in the way").touch()
    with pytest.raises(OSError, match="directory"):
        replace(path, b"new", 0o600)
    assert [one.name for one in tmp_path.iterdir()] == ["x"]


@pytest.fixture
def opened() -> Iterator[Callable[[Path], FileStore]]:
    """Opens a store in a folder."""
    with loop_of() as loop:
        yield lambda folder: FileStore(folder, loop.reactor)


Open = Callable[[Path], FileStore]


def test_it_is_private_and_outlives_a_power_cut_too(tmp_path: Path, opened: Open) -> None:
    first = opened(tmp_path / "var")
    assert first.save(KEPT).called
    first.sync()
    assert mode(first.path) == 0o600
    assert opened(tmp_path / "var").load() == KEPT
    written = first.path.stat().st_ino
    first.save(KEPT)
    assert first.path.stat().st_ino == written, "nothing new to write"


def test_a_failure_is_told_and_tried_again(tmp_path: Path, opened: Open) -> None:
    (tmp_path / "var").write_text("a file where the folder should be")
    store = opened(tmp_path / "var")
    failures: list[str] = []
    store.save(KEPT).addErrback(lambda failure: failures.append(failure.getErrorMessage()))
    assert failures == [f"{store.path}: File exists; make room, or make it writable"]
    (tmp_path / "var").unlink()
    assert store.save(KEPT).called
    assert opened(tmp_path / "var").load() == KEPT


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_write_is_set_aside(tmp_path: Path, opened: Open, mode: int) -> None:
    store = opened(tmp_path)
    store.save(KEPT)
    store.path.chmod(mode)
    with pytest.raises(StoreError, match="others can write it"):
        store.load()
    assert store.load().overlay == ()


def test_a_file_that_others_can_replace_is_set_aside(tmp_path: Path, opened: Open) -> None:
    store = opened(tmp_path)
    store.save(KEPT)
    tmp_path.chmod(0o777)
    with pytest.raises(StoreError, match=f"anybody can replace it; chmod o-w {tmp_path}"):
        store.load()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_somebody_else_is_set_aside(tmp_path: Path, opened: Open) -> None:
    """But for the folder's owner: `twistd --uid` keeps it as that user."""
    store = opened(tmp_path)
    store.save(KEPT)
    os.chown(store.path, 12345, 0)
    os.chown(tmp_path, 12345, 0)
    assert store.load() == KEPT
    os.chown(tmp_path, 0, 0)
    with pytest.raises(StoreError, match="it belongs to the user 12345"):
        store.load()


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b'{"format": 9}', b" " * (LARGEST + 1)])
def test_a_file_that_cannot_be_used_is_set_aside(tmp_path: Path, opened: Open, content: bytes) -> None:
    store = opened(tmp_path)
    store.path.write_bytes(content)
    with pytest.raises(StoreError, match=r"orders\.json cannot be used: .*; it is .*orders\.broken now"):
        store.load()
    assert not store.path.exists()
    assert (tmp_path / "orders.broken").read_bytes() == content
    assert store.load().overlay == ()
    store.save(KEPT)
    assert opened(tmp_path).load() == KEPT

from __future__ import annotations

import os
from pathlib import Path

import pytest

from director.errors import StoreError
from director.program.state_directory import StateDirectory
from tests.support import needs


def test_it_is_one_directors_until_that_stops(tmp_path: Path) -> None:
    (tmp_path / "control.sock").touch()
    first, second = StateDirectory(tmp_path), StateDirectory(tmp_path)
    first.take()
    assert not (tmp_path / "control.sock").exists(), "left by a run that was killed"
    with pytest.raises(StoreError, match="another director runs"):
        second.take()
    first.stop(0.0)
    second.take()
    second.stop(0.0)


@needs.root
def test_a_new_one_belongs_to_who_the_process_will_be(tmp_path: Path) -> None:
    """`twistd --uid nobody` makes it as root; what is written there later is written as nobody."""
    new, old = tmp_path / "new", tmp_path / "old"
    old.mkdir()
    for path in (new, old):
        part = StateDirectory(path, (65534, 65534))
        part.take()
        part.stop(0.0)
    assert (new.stat().st_uid, new.stat().st_gid) == (65534, 65534)
    assert old.stat().st_uid == os.getuid(), "what is there already is its owner's business"


def test_the_next_program_has_it_with_the_one_before(tmp_path: Path) -> None:
    """The lock is held until both have closed it (flock(2): it belongs to the open file)."""
    first = StateDirectory(tmp_path)
    first.take()
    (tmp_path / "control.sock").touch()
    left = {name: os.dup(number) for name, number in first.bequest().items()}
    second, third = (
        StateDirectory(tmp_path, None, lambda name: left.pop(name, None)),
        StateDirectory(tmp_path),
    )
    second.take()
    assert (tmp_path / "control.sock").exists(), "the one before still answers there"
    first.stop(0.0)
    with pytest.raises(StoreError, match="another director runs"):
        third.take()
    second.stop(0.0)
    third.take()
    third.stop(0.0)


def test_another_directory_is_taken_for_itself(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    first = StateDirectory(here)
    first.take()
    left = {name: os.dup(number) for name, number in first.bequest().items()}
    second = StateDirectory(there, None, lambda name: left.pop(name, None))
    second.take()
    assert os.path.samestat(os.fstat(second.bequest()["state_dir"]), there.stat())
    for one in (first, second):
        one.stop(0.0)
    assert StateDirectory(Path()).bequest() == {}

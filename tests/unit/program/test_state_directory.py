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

"""One file, read once, and only when nobody else could have written it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from director.errors import StoreError
from director.l4.io.flowfile import FLOW_FILE, reading, write
from director.l4.saved import LONGEST_LINE


def read(place: Path, limit: int = 10) -> list[str] | None:
    with reading(place, limit) as found:
        return None if found is None else [line.rstrip("\n") for line in found]


def test_what_is_written_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, ["a", "b"])
    assert (tmp_path / FLOW_FILE).stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == [FLOW_FILE]
    assert read(tmp_path) == ["a", "b"]
    assert read(tmp_path) is None


def test_no_more_than_asked_for_and_no_longer_than_a_line(tmp_path: Path) -> None:
    write(tmp_path, ["a"] * 5)
    assert read(tmp_path, 3) == ["a"] * 3
    write(tmp_path, ["x" * (LONGEST_LINE + 5)])
    assert read(tmp_path) == ["x" * (LONGEST_LINE + 1), "x" * 4]


def test_octets_that_are_no_text_are_no_error(tmp_path: Path) -> None:
    (tmp_path / FLOW_FILE).write_bytes(b"\xff\xfe\n")
    assert len(read(tmp_path) or ()) == 1


@pytest.mark.parametrize("how", ["writable", "directory", "link", "pipe"])
def test_what_others_could_have_written_is_not_read(tmp_path: Path, how: str) -> None:
    place = tmp_path / FLOW_FILE
    if how == "writable":
        write(tmp_path, ["a"])
        place.chmod(0o666)
    elif how == "directory":
        place.mkdir()
    elif how == "pipe":
        os.mkfifo(place, 0o600)
    else:
        (tmp_path / "other").write_text("a\n")
        place.symlink_to(tmp_path / "other")
    with pytest.raises((StoreError, OSError)):
        read(tmp_path)


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    def broken() -> object:
        yield "a"
        raise OSError(28, "No space left on device")

    write(tmp_path, ["before"])
    with pytest.raises(OSError, match="No space"):
        write(tmp_path, broken())  # type: ignore[arg-type]
    assert [one.name for one in tmp_path.iterdir()] == [FLOW_FILE]
    assert read(tmp_path) == ["before"]

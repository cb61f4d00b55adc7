from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from director.errors import DirectorError
from director.l4.io.capture.install import (
    STATE_FILE,
    Installed,
    Installer,
    InstallState,
    namespace,
    owner_lives,
    owner_text,
)


class Session:
    """Takes everything and says nothing."""

    lasting = False

    def __call__(self, text: str) -> str:
        return ""

    def close(self) -> None:
        """Nothing is open."""


INSTALLED = Installed("boot 1", "director-a", (("lo", "198.51.100.10"),))


def test_state_survives(tmp_path: Path) -> None:
    state = InstallState(tmp_path / "var")
    state.write(INSTALLED)
    assert state.read() == INSTALLED
    assert [one.name for one in (tmp_path / "var").iterdir()] == [STATE_FILE]
    state.remove()
    state.remove()
    assert state.read() is None


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"version": 2}', '{"version": 1}', '{"version":1,"addresses":3}']
)
def test_a_damaged_file_is_no_state(tmp_path: Path, content: str) -> None:
    (tmp_path / STATE_FILE).write_text(content)
    assert InstallState(tmp_path).read() is None


def test_the_file_holds_what_a_person_can_read(tmp_path: Path) -> None:
    InstallState(tmp_path).write(INSTALLED)
    content = json.loads((tmp_path / STATE_FILE).read_text())
    assert content["addresses"] == [["lo", "198.51.100.10"]]


def test_a_namespace_has_one_name() -> None:
    assert namespace() == namespace()


def test_we_do_not_stand_in_our_own_way() -> None:
    assert not owner_lives(owner_text("edge-1"))


def test_another_living_process_owns_its_table() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        start = Path(f"/proc/{other.pid}/stat").read_text().rpartition(")")[2].split()[19]
        text = f"edge-1 pid {other.pid} start {start}"
        assert owner_lives(text)
        assert not owner_lives(f"edge-1 pid {other.pid} start 1")
        other.kill()
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
        assert not owner_lives(text), "it has ended, though nobody has waited for it yet"
        other.wait()
    assert not owner_lives(text)


@pytest.mark.parametrize("text", ["", "x", "a pid one start 2"])
def test_a_table_without_an_owner_is_left_over(text: str) -> None:
    assert not owner_lives(text)


def test_leftovers_of_another_namespace_are_not_ours(tmp_path: Path) -> None:
    installer = Installer("a", tmp_path, Session())
    assert installer.leftovers() is None
    InstallState(tmp_path).write(INSTALLED)
    assert installer.leftovers() is None
    InstallState(tmp_path).write(Installed(namespace(), "director-a"))
    assert installer.leftovers() == Installed(namespace(), "director-a")


def test_a_state_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        place = tmp_path / "file" / "below"
        (tmp_path / "file").write_text("not a directory")
    else:
        place = tmp_path / "closed"
        place.mkdir(mode=0o500)
    installer = Installer("a", place, Session())
    with pytest.raises(DirectorError, match="make state_dir writable"):
        installer._write(INSTALLED)

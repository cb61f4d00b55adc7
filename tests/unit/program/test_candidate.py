from __future__ import annotations

from pathlib import Path

import pytest

from director.errors import ConfigError
from director.program.configuration import read

GOOD = "[director]\nstate_dir = var\n[pool:web]\nscheduler = mine\n[scheduler:mine]\npython = mine.py:Mine\n"
MINE = (
    "from pathlib import Path\nruns = Path(__file__).with_suffix('.runs')\n"
    "with runs.open('a') as file:\n    file.write('x')\n"
    "class Mine:\n    def choose(self, servers, key, now):\n        return servers[0]\n"
)


@pytest.fixture
def path(tmp_path: Path) -> str:
    (tmp_path / "mine.py").write_text(MINE)
    file = tmp_path / "director.ini"
    file.write_text(GOOD)
    return str(file)


def runs(path: str) -> int:
    """How often the user's file was executed."""
    return len(Path(path).with_name("mine.runs").read_text())


def test_a_users_file_is_executed_once_for_each_content(path: str) -> None:
    first = read(path)
    assert runs(path) == 1
    assert first.files.differs(first.require().schedulers[0].path)
    again = read(path, first.files.settled())
    assert runs(path) == 1
    assert not again.files.differs(again.require().schedulers[0].path)
    Path(path).with_name("mine.py").write_text(MINE + "# another\n")
    edited = read(path, again.files.settled())
    assert runs(path) == 2
    assert edited.files.differs(edited.require().schedulers[0].path)
    # One that is refused takes nothing away from what runs.
    Path(path).with_name("mine.py").write_text(MINE)
    assert not read(path, again.files).files.differs(again.require().schedulers[0].path)
    assert runs(path) == 2


def test_one_with_errors_says_them_when_it_is_needed(path: str) -> None:
    Path(path).write_text(GOOD + "colour = red\n")
    found = read(path)
    assert found.configuration is None
    with pytest.raises(ConfigError) as refused:
        found.require()
    assert refused.value.problems == found.problems


def test_what_the_loop_knows_is_added(path: str) -> None:
    found = read(path)
    candidate = found.by("ops", found.require())
    assert (candidate.author, candidate.desired) == ("ops", found.require())
    assert (candidate.loaded, candidate.files) == (found.loaded, found.files)

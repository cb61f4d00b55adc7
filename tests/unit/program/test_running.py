"""What runs: what a candidate is made of, what is refused, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from attrs import evolve

from director.errors import ChangeRefused, ConfigError
from director.model.pools import Address, Pool, SchedulerSpec, Server
from director.program.configuration import read
from director.program.running import SAID, Running, announce
from director.registry.changes import PoolAdded, SchedulersRead, ServerAdded, weight
from director.registry.registry import Generation
from director.store.io.file import FileStore
from tests.support.loops import loop_of
from tests.support.said import said

INI = "[director]\nstate_dir = var\n[pool:web]\nserver.a = 127.0.0.1:9001\n"
MINE = "scheduler = mine\n[scheduler:mine]\npython = mine.py:Mine\n"
SOURCE = "class Mine:\n    seen = 0\n    def choose(self, servers, key, now):\n        return servers[0]\n"


class Files:
    """A folder with a configuration and a user's scheduler, and what runs of it."""

    def __init__(self, running: Running, folder: Path) -> None:
        self.running, self.folder = running, folder

    def take(self, text: str) -> tuple[object, ...]:
        """Make the file's text what runs; what changed."""
        (self.folder / "director.ini").write_text(text)
        found = self.running.of_file(
            read(str(self.folder / "director.ini"), self.running.candidate.files), "test"
        )
        self.running.check(found)
        self.running.commit(found)
        return found.changes


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Files]:
    (tmp_path / "director.ini").write_text(INI)
    (tmp_path / "mine.py").write_text(SOURCE)
    with loop_of() as loop:
        first = read(str(tmp_path / "director.ini"))
        running = Running(first, FileStore(tmp_path / "var", loop.reactor), loop.reactor, Random(1))
        running.overrides.load()
        running.commit(running.of_file(first, "start"))
        yield Files(running, tmp_path)


def test_a_command_changes_what_runs_and_a_reload_does_not_take_it_back(files: Files) -> None:
    running = files.running
    added = ServerAdded("web", Server("b", Address("127.0.0.1", 9002)))
    running.commit(running.of_changes([added], "ops"))
    assert running.applied.generation.number == 2
    assert running.applied.kept
    assert files.take(INI) == ()
    assert running.registry.pools["web"].server("b") is not None


def test_a_schedulers_memory_outlives_a_reload_that_does_not_touch_its_file(files: Files) -> None:
    files.take(INI + MINE)
    registry = files.running.registry

    def inner() -> object:
        scheduler = registry.scheduler(registry.pools["web"], "l7:www")
        return scheduler.inner

    before = inner()
    assert files.take(INI + MINE + "[pool:more]\n") == (
        PoolAdded(Pool("more", scheduler=SchedulerSpec("wlc"))),
    )
    assert inner() is before
    (files.folder / "mine.py").write_text(SOURCE + "# edited\n")
    assert files.take(INI + MINE)[-1] == SchedulersRead(("mine",))
    assert inner() is not before


def test_a_file_with_errors_is_none(files: Files) -> None:
    (files.folder / "director.ini").write_text(INI + "wieght = 3\n")
    with pytest.raises(ConfigError):
        files.running.of_file(read(str(files.folder / "director.ini")), "test")


def test_a_change_that_does_not_hold_is_refused_before_anything(files: Files) -> None:
    running = files.running
    with pytest.raises(ChangeRefused, match="No such pool"):
        running.of_changes([ServerAdded("gone", Server("b", Address("127.0.0.1", 1)))], "ops")
    other = running.registry.configuration
    moved = evolve(other, settings=evolve(other.settings, name="other"))
    with pytest.raises(ChangeRefused, match=r"\[director\] name is read at start; restart"):
        running.check(evolve(running.of_changes([], "ops"), desired=moved))


def test_rates_move_and_what_cannot_be_kept_is_tried_again(files: Files) -> None:
    running = files.running
    for chore, period in running.chores():
        assert period >= 1.0
        chore()
    stats = running.registry.pools["web"].by_name["a"].stats
    stats.traffic.become((40, 0, 0, 0, 0))
    running.estimate()
    assert stats.estimator.rates()[0] == 5, "a quarter of 20 per second (lvs-semantics H)"


def test_a_stop_tries_once_more_to_keep(files: Files) -> None:
    running, orders = files.running, files.folder / "var" / "orders.json"
    orders.unlink()
    orders.mkdir()
    (orders / "in the way").touch()
    running.commit(running.of_changes([weight(running.registry.configuration, "web", "a", 3)], "ops"))
    assert not running.applied.kept
    (orders / "in the way").unlink()
    orders.rmdir()
    running.stop(0.0)
    assert orders.is_file()


def test_a_long_diff_is_said_in_part() -> None:
    with said() as lines:
        announce(Generation(7, "ops", 0.0, tuple(f"change {number}" for number in range(SAID + 3))))
    assert len(lines) == SAID + 1
    assert lines[0] == "info: generation 7 by ops: change 0"
    assert lines[-1] == "info: generation 7: and 3 more"

"""What every store must do, done by each that there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from director.registry.edits import Edit, Verb
from director.store.io.base import Store
from director.store.io.file import FileStore
from director.store.kept import Kept
from tests.support.loops import loop_of


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[], Store]]:
    """Opens the same store again and again."""
    with loop_of() as loop:
        yield lambda: FileStore(tmp_path, loop.reactor)


def test_what_was_saved_is_loaded_under_the_same_name(opened: Callable[[], Store]) -> None:
    first = opened()
    begun = first.load()
    assert begun == Kept(begun.nonce)
    assert begun.nonce
    value = Kept(begun.nonce, (Edit("pools", ("web",), Verb.REMOVE),))
    assert first.save(value).called
    assert opened().load() == value


def test_a_store_that_was_never_saved_has_another_name_each_time(opened: Callable[[], Store]) -> None:
    assert opened().load().nonce != opened().load().nonce


def test_watching_can_be_ended(opened: Callable[[], Store]) -> None:
    told: list[Kept] = []
    store = opened()
    store.watch(told.append)()
    store.save(Kept("5eed"))
    assert told == []

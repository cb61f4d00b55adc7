from __future__ import annotations

import pytest

from director import caches
from director.caches import CacheFigures, added, figures, remember


def test_it_remembers_counts_and_forgets_the_one_unused_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caches, "_figures", {})
    worked: list[int] = []

    @remember("squares", 2)
    def square(number: int) -> int:
        worked.append(number)
        return number * number

    assert figures() == [CacheFigures("squares", 0, 2, 0, 0)]
    assert [square(number) for number in (2, 3, 2, 4, 2, 3)] == [4, 9, 4, 16, 4, 9]
    assert worked == [2, 3, 4, 3]
    assert figures() == [CacheFigures("squares", 2, 2, 2, 4)]


def test_caches_are_told_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caches, "_figures", {})
    for name in ("b", "a"):
        remember(name, 1)(len)
    assert [one.name for one in figures()] == ["a", "b"]


def test_those_of_several_processes_are_one() -> None:
    one, other = CacheFigures("a", 2, 10, 5, 3), CacheFigures("b", 1, 4, 0, 1)
    assert added([other, one, CacheFigures("a", 4, 10, 1, 1)]) == [CacheFigures("a", 6, 20, 6, 4), other]

"""Rows and columns over plain memory; several processes are played by several tables on the same words."""

from __future__ import annotations

from array import array

import pytest

from director.errors import DirectorError
from director.registry.cells import (
    ACTIVE,
    CLAIMS,
    EPOCH,
    FLAG,
    GENERATION,
    INACTIVE,
    NAMES,
    CellTable,
    Geometry,
    geometry,
)
from tests.support.mapped import Held

SIZE = Geometry(slots=3, columns=4, shared=8)


def tables(size: Geometry = SIZE) -> list[CellTable]:
    """One for each column."""
    words = memoryview(array("q", bytes(8 * size.words)))
    words[:5] = array("q", size.header)
    locks = Held()
    return [CellTable(words, size, column, locks) for column in range(size.columns)]


def test_every_cell_is_of_one_process_and_one_count() -> None:
    """No two (slot, kind, column) share a word, and none lies in header, directory or shared numbers."""
    cells = [
        table.own(slot, kind) for table in tables() for slot in range(SIZE.slots) for kind in (*CLAIMS, EPOCH)
    ]
    states = [tables()[0].state(slot, word) for slot in range(SIZE.slots) for word in (FLAG, GENERATION)]
    assert len({*cells, *states}) == len(cells) + len(states)
    assert min(cells + states) >= 64
    assert max(cells + states) < SIZE.directory


def test_a_count_is_the_sum_of_its_row() -> None:
    made = tables()
    for number, table in enumerate(made):
        table.words[table.own(1, ACTIVE)] += number
    assert [sum(made[0].row(1, kind)) for kind in (ACTIVE, INACTIVE)] == [6, 0]
    assert [sum(made[2].row(slot, ACTIVE)) for slot in range(3)] == [0, 6, 0]


def test_the_claims_of_a_dead_process_end_and_nothing_else() -> None:
    made = tables()
    for table in made:
        for kind in (*CLAIMS, EPOCH):
            table.words[table.own(2, kind)] = 5
    made[0].bury(3, range(3))
    assert {sum(made[0].row(2, kind)) for kind in CLAIMS} == {15}
    # Were its part of an epoch to go, another's step could bring back a sum that somebody has seen.
    assert sum(made[0].row(2, EPOCH)) == 20


def test_a_slot_that_is_given_again_is_empty_and_of_the_next_generation() -> None:
    table, other = tables()[:2]
    other = CellTable(table.words, SIZE, 1, table.locks)
    assert table.renew(0) == 1
    other.words[other.own(0, ACTIVE)] = 7
    table.words[table.state(0, FLAG)] = 1
    assert table.renew(0) == 2
    assert (sum(table.row(0, ACTIVE)), table.words[table.state(0, FLAG)]) == (0, 0)
    assert table.words[table.state(1, GENERATION)] == 0


def test_a_mapping_says_how_large_it_is() -> None:
    assert geometry(tables()[0].words) == SIZE


@pytest.mark.parametrize(
    ("place", "value", "word"), [(0, 1, "no mapping of counts"), (1, 2, "version 2, this program knows 1")]
)
def test_a_mapping_of_another_kind_is_refused(place: int, value: int, word: str) -> None:
    words = tables()[0].words
    words[place] = value
    with pytest.raises(DirectorError, match=word):
        geometry(words)


@pytest.mark.parametrize("sizes", [(0, 2, 0), (1, 1, 0), (1, 2, -1)])
def test_sizes_that_make_no_sense_are_refused(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(DirectorError):
        Geometry(*sizes)


@pytest.mark.parametrize("column", [-1, 4])
def test_a_column_outside_is_refused(column: int) -> None:
    table = tables()[0]
    with pytest.raises(DirectorError, match=f"no column {column}"):
        CellTable(table.words, SIZE, column, table.locks)


# --- shared numbers -----------------------------------------------------------------------


def test_shared_numbers_are_found_by_their_name() -> None:
    made = tables()
    first, second = made[1].shared("tenants", 3), made[2].shared("tenants", 3)
    other = made[1].shared("others", 5)
    first.mine[0] += 4
    second.mine[0] += 3
    second.mine[2] = -1
    assert [first.total(index) for index in range(3)] == [second.total(index) for index in range(3)]
    assert [first.total(index) for index in range(3)] == [7, 0, -1]
    assert [other.total(index) for index in range(5)] == [0] * 5
    assert len(first) == 3


def test_what_a_dead_process_shared_goes_with_it() -> None:
    made = tables()
    for table in made:
        table.shared("tenants", 3).mine[1] = 10
    made[0].bury(2, range(0))
    assert made[0].shared("tenants", 3).total(1) == 30


def test_shared_numbers_have_bounds() -> None:
    made = tables()
    numbers = made[0].shared("tenants", 3)
    for index in (3, -1):
        with pytest.raises(IndexError):
            numbers.total(index)
    with pytest.raises(DirectorError, match="has 3 numbers already"):
        made[1].shared("tenants", 4)
    with pytest.raises(DirectorError, match="no room"):
        made[1].shared("too many", 6)
    made[1].shared("just fits", 5)
    for size in (0, 9):
        with pytest.raises(DirectorError, match="from 1 to 8"):
            made[0].shared("x", size)


def test_only_so_many_can_be_named() -> None:
    made = tables(Geometry(1, 2, 1000))
    for number in range(NAMES):
        made[0].shared(str(number), 1)
    with pytest.raises(DirectorError, match="no room"):
        made[0].shared("one more", 1)
    made[1].shared("0", 1)


def test_a_directory_that_another_holds_is_not_waited_for() -> None:
    table = tables()[0]
    assert isinstance(table.locks, Held)
    table.locks.stuck.add(SIZE.slots)
    with pytest.raises(DirectorError, match="holds the directory"):
        table.shared("tenants", 3)

"""Where several processes count."""

from __future__ import annotations

from director.program.processes.counts import counts


def test_one_process_needs_no_memory_for_all() -> None:
    assert counts(0) == (None, None)


def test_there_is_a_column_for_each_for_the_control_process_and_for_layer_4() -> None:
    segment, books = counts(3)
    assert segment is not None
    assert books is not None
    assert segment.geometry.columns == 5
    assert (books.gives, books.table.column) == (True, 0)

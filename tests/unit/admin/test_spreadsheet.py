"""The standard library's reader is the second opinion on what was written."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.admin.spreadsheet import COLUMNS, MOST_ROWS, guarded, line, sheet

EVENT = {"id": 1, "time": "2026-11-30T12:00:00.000Z", "level": "info", "text": "x"}


def read(pieces: bytes) -> list[list[str]]:
    return list(csv.reader(StringIO(pieces.decode(), newline="")))


def test_a_table_has_a_head_and_a_row_for_each() -> None:
    rows = read(b"".join(sheet("events", [EVENT, {**EVENT, "id": 2, "text": 'a "b", c\nd'}])))
    assert rows[0] == list(COLUMNS["events"])
    assert rows[1] == ["1", "2026-11-30T12:00:00.000Z", "info", "x"]
    assert rows[2][3] == 'a "b", c\nd'


def test_lines_end_as_the_standard_wants_it() -> None:
    """RFC 4180 2.1."""
    assert line(["a", 1]) == b"a,1\r\n"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_that_a_spreadsheet_would_run_is_guarded(start: str) -> None:
    """OWASP, CSV injection: cells must not begin with these."""
    text = f"{start}HYPERLINK(1)"
    assert guarded(text) == f"'{text}"
    assert read(line([text]))[0][0] == f"'{text}"


def test_numbers_stay_numbers_and_what_is_not_known_is_empty() -> None:
    assert read(line([-1, 0.5, None, True, [], {"connect": 2}, [("a", "refused")]])) == [
        ["-1", "0.5", "", "yes", "", "connect 2", "a refused"]
    ]


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=1))
def test_what_is_written_is_read_again(cells: list[str]) -> None:
    (row,) = read(line(cells)) or [[""]]
    assert [one.removeprefix("'") for one in row] == [one.removeprefix("'") for one in cells]


def test_of_very_many_rows_the_first_are_written() -> None:
    assert sum(1 for _ in sheet("events", (EVENT for _ in range(MOST_ROWS + 5)))) == MOST_ROWS + 1

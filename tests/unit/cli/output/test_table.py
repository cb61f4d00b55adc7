from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from director.cli.output import table


def test_columns_are_aligned_and_numbers_stand_right() -> None:
    assert table.table(("NAME", "N", "WHAT"), [("a", 5, "x"), ("long", 100, "y")]) == (
        "NAME    N  WHAT\na       5  x\nlong  100  y\n"
    )


def test_the_last_column_is_wrapped_below_itself() -> None:
    assert table.table(("A", "WHAT"), [("x", "one two three four")], width=14) == (
        "A  WHAT\nx  one two\n   three four\n"
    )


@given(st.text(), st.integers(1, 40))
def test_wrapping_keeps_every_word(text: str, room: int) -> None:
    lines = table.wrap(text, room)
    assert all(len(line) <= room for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@given(st.text())
def test_no_text_steers_the_terminal(text: str) -> None:
    assert table.clean(text).isprintable() or all(
        one.isprintable() or one in "\u2028\u2029 " or one.isspace() for one in table.clean(text)
    )
    assert "\x1b" not in table.clean(text)
    assert "\n" not in table.clean(text)

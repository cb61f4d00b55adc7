"""`print` of a user's file: the same calls as Python's own, beside it."""

from __future__ import annotations

import io
from typing import Any

import pytest

from director.scheduling.prints import AT_MOST, LONGEST, Printer


@pytest.mark.parametrize(
    "calls",
    [
        [((1, "a", None), {})],
        [((1, 2), {"sep": "-"}), (("x",), {"sep": None, "end": None})],
        [(("half",), {"end": ""}), ((" a line",), {}), ((), {})],
        [(("two\nlines",), {})],
    ],
)
def test_lines_are_those_of_pythons_own_print(calls: list[tuple[tuple[object, ...], dict[str, Any]]]) -> None:
    said: list[str] = []
    oracle = io.StringIO()
    printer = Printer(said.append, lambda: 5.0)
    for values, words in calls:
        printer(*values, **words)
        print(*values, file=oracle, **words)
    assert said == oracle.getvalue().splitlines()


def test_a_file_of_its_own_gets_what_is_meant_for_it() -> None:
    said: list[str] = []
    file = io.StringIO()
    Printer(said.append, lambda: 0.0)("x", file=file, flush=True)
    assert (said, file.getvalue()) == ([], "x\n")


def test_so_many_lines_a_second_and_the_rest_is_counted() -> None:
    said: list[str] = []
    now = 1.0
    printer = Printer(said.append, lambda: now)
    for number in range(AT_MOST + 7):
        printer(number)
    assert said == [str(number) for number in range(AT_MOST)]
    now = 2.0
    printer("again")
    printer("and again")
    assert said[AT_MOST:] == ["(7 lines before this were too many for a second) again", "and again"]


def test_a_line_is_bounded_and_one_that_never_ends_as_well() -> None:
    said: list[str] = []
    printer = Printer(said.append, lambda: 1.0)
    printer("x" * 5000)
    for _ in range(3):
        printer("y" * 600, end="")
    assert [len(line) for line in said] == [LONGEST, LONGEST]

"""Functions and files stay small enough to be read at once.  Docstrings do not count."""

from __future__ import annotations

from statistics import median

from tests.gates.sources import file_length, function_length, functions, modules, shown

FUNCTION_LIMIT = 60
FILE_LIMIT = 400
MEDIAN_LIMIT = 10


def test_functions_end_within_sixty_lines() -> None:
    long = [
        f"{shown(path)}:{node.lineno}: {node.name} has {function_length(node)} lines"
        for path in modules()
        for node in functions(path)
        if function_length(node) > FUNCTION_LIMIT
    ]
    assert not long, "split these functions"


def test_files_stay_below_four_hundred_lines() -> None:
    long = [f"{shown(path)}: {file_length(path)}" for path in modules() if file_length(path) >= FILE_LIMIT]
    assert not long, "split these files"


def test_most_functions_are_short() -> None:
    lengths = [function_length(node) for path in modules() for node in functions(path)]
    assert median(lengths) < MEDIAN_LIMIT

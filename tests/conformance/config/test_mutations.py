"""Whatever stands in a file, reading it ends with problems at places in the file, never with a traceback."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from director.config.export import export
from director.config.loaded import load_from
from director.config.schema.tables import KINDS
from director.config.text.messages import as_json, render
from director.config.text.sources import World
from tests.support.raising import nothing_raised

LINES = [kind.heading.replace("NUMBER TITLE", "10 NAME") for kind in KINDS]
LINES += [f"{key.name} = {key.example}" for kind in KINDS for key in kind.keys]
LINES += [f"{key.name} =" for kind in KINDS for key in kind.keys]
WHOLE = "\n".join(
    "\n".join(
        [
            kind.heading.replace("NUMBER TITLE", "10 NAME"),
            *(f"{key.name} = {key.example}" for key in kind.keys),
        ]
    )
    for kind in KINDS
)


def read(text: str) -> None:
    def content(path: str) -> bytes:
        if path == "a.ini":
            return text.encode()
        raise FileNotFoundError(2, "No such file or directory", path)

    loaded = load_from("a.ini", World(content, lambda _: [], {}))
    lines = text.split("\n")
    for problem in loaded.problems:
        assert 0 <= problem.line <= len(lines)
        if problem.line:
            assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
    assert (loaded.configuration is None) == any(problem.severity == "error" for problem in loaded.problems)
    assert export(loaded)
    assert as_json(loaded.problems)
    render(loaded.problems)


@given(st.lists(st.sampled_from(LINES), max_size=25))
def test_lines_in_any_order(lines: list[str]) -> None:
    with nothing_raised("every mistake is a problem with a place"):
        read("\n".join(lines))


@given(
    st.integers(0, len(WHOLE)),
    st.integers(0, 40),
    st.text(alphabet='ab01 =:[]()$"{}~*,;-\n#\x00é', max_size=6),
)
def test_a_whole_file_with_a_hole(at: int, length: int, put: str) -> None:
    with nothing_raised("every mistake is a problem with a place"):
        read(WHOLE[:at] + put + WHOLE[at + length :])

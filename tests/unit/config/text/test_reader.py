from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.config.text.messages import Findings
from director.config.text.reader import LARGEST, Section, decode, parse


def read(text: str) -> tuple[list[Section], list[tuple[int, int, str]]]:
    findings = Findings()
    sections = parse("a.ini", text, findings)
    return sections, [(p.line, p.column, p.message) for p in findings.problems()]


def test_sections_and_positions() -> None:
    sections, problems = read(
        "# head\n[pool:web]\nscheduler =  wlc  \n; note\nserver.a = x:1\n    weight=2\n\n  max=3\n"
    )
    assert problems == []
    (pool,) = sections
    assert (pool.kind, pool.name, pool.title) == ("pool", "web", "pool:web")
    assert pool.items["scheduler"].value.text == "wlc"
    place = pool.items["scheduler"].value.at()
    assert (place.line, place.column, place.line_text) == (3, 14, "scheduler =  wlc  ")
    server = pool.items["server.a"].value
    assert server.text == "x:1\nweight=2\nmax=3"
    assert [(server.at(i).line, server.at(i).column) for i in (0, 2, 4, 11, 13)] == [
        (5, 12),
        (5, 14),
        (6, 5),
        (6, 12),
        (8, 3),
    ]
    assert (pool.items["server.a"].place.line, pool.items["server.a"].place.column) == (5, 1)


def test_a_value_may_begin_on_the_next_line() -> None:
    sections, _ = read("[a]\nlisten =\n  :80\n  :81\n")
    value = sections[0].items["listen"].value
    assert value.text == ":80\n:81"
    assert (value.at(4).line, value.at(4).column) == (4, 3)


def test_names_of_sections_are_tidied() -> None:
    sections, problems = read("[ rule:100   images ]\r\nx = 1\r\n")
    assert problems == []
    assert sections[0].title == "rule:100 images"
    assert sections[0].items["x"].value.text == "1"


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("x = 1\n", 1, 1, "a key before the first section"),
        ("[a]\nfoo\n", 2, 1, "neither a section nor key = value"),
        ("[a]\nfoo: 1\n", 2, 1, "neither a section nor key = value"),
        ("[a]\nfoo bar = 1\n", 2, 1, "neither a section nor key = value"),
        ("[a\nx = 1\n", 1, 1, "a section is [kind] or [kind:name], alone on its line"),
        ("[a] x\n", 1, 1, "a section is [kind] or [kind:name], alone on its line"),
        ("[]\n", 1, 1, "a section is [kind] or [kind:name], alone on its line"),
        ("[pool:]\n", 1, 1, "the section has no name"),
        ("[:web]\n", 1, 1, "the section has no kind"),
        ("[a]\n  x = 1\n", 2, 3, "an indented line continues the value above it, and there is none"),
        ("[a]\nx = 1\nx = 2\n", 3, 1, "the key is already set at a.ini:2"),
        ("[a]\nx = a\x07b\n", 2, 6, "control character U+0007"),
        ("[a]\nx = a\rb\n", 2, 6, "control character U+000D"),
        ("[a]\n= b\n", 2, 1, "neither a section nor key = value"),
    ],
)
def test_mistakes_of_lines(text: str, line: int, column: int, message: str) -> None:
    _, problems = read(text)
    assert problems == [(line, column, message)]


def test_keys_of_a_broken_section_are_not_reported_as_well() -> None:
    _, problems = read("[pool:\nx = 1\n  y\nz = 2\n")
    assert len(problems) == 1


@pytest.mark.parametrize(
    ("data", "line", "column", "message"),
    [
        (b"", 0, 0, "the file is empty"),
        (b" \n\t\n", 0, 0, "the file is empty"),
        (b"\x7fELF\x00\x01", 0, 0, "this is a binary file, not text"),
        ("[a]\n".encode("utf-16"), 0, 0, "this is a binary file, not text"),
        (b"[a]\nx = caf\xe9\n", 2, 8, "not UTF-8"),
        (b"[a]" + b"#" * LARGEST, 0, 0, "the file is larger than 32 MB"),
    ],
)
def test_files_that_are_no_text(data: bytes, line: int, column: int, message: str) -> None:
    findings = Findings()
    assert decode("a.ini", data, findings) is None
    (problem,) = findings.problems()
    assert (problem.line, problem.column, problem.message) == (line, column, message)
    assert problem.hint


def test_a_byte_order_mark_is_no_character() -> None:
    assert decode("a.ini", b"\xef\xbb\xbf[a]\n", Findings()) == "[a]\n"


@given(st.text(alphabet=st.sampled_from("[]:=#; \t\r\n\x00ax$é"), max_size=60))
def test_reading_never_fails_and_positions_are_in_the_text(text: str) -> None:
    findings = Findings()
    lines = text.split("\n")
    for section in parse("a.ini", text, findings):
        for item in section.items.values():
            for offset, letter in enumerate(item.value.text):
                place = item.value.at(offset)
                if letter != "\n":
                    assert lines[place.line - 1][place.column - 1] == letter
    for problem in findings.problems():
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1


@given(st.binary(max_size=60))
def test_decoding_never_fails(data: bytes) -> None:
    findings = Findings()
    text = decode("a.ini", data, findings)
    assert (text is None) == findings.failed

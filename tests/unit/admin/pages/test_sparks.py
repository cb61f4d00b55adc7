from __future__ import annotations

import re

from director.admin.pages.figures import amount
from director.admin.pages.html import join
from director.admin.pages.sparks import HEIGHT, WIDTH, cards, last, spark
from tests.unit.admin.pages.test_html import read


def lines(points: list[float | None]) -> list[list[tuple[float, float]]]:
    """The places of each line that is drawn."""
    html = spark(points, "Requests", amount) or ""
    paths = [one["d"] or "" for name, one in read(html).tags if name == "path" and "class" not in one]
    return [[(float(x), float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", path)] for path in paths]


def test_a_figure_stands_as_high_as_its_share_of_the_most() -> None:
    (line,) = lines([0.0, 5.0, 10.0])
    assert [x for x, _ in line] == [0.0, WIDTH / 2, WIDTH]
    heights = [HEIGHT - 1.0 - y for _, y in line]
    assert heights == [0.0, (HEIGHT - 2.0) / 2, HEIGHT - 2.0]


def test_what_is_not_known_is_a_gap() -> None:
    assert [len(line) for line in lines([1.0, 2.0, None, 3.0, 4.0, 5.0])] == [2, 3]


def test_a_single_figure_can_be_seen_and_nothing_at_all_is_no_picture() -> None:
    assert len(lines([None, 7.0])[0]) == 2
    assert spark([], "x", amount) is None
    assert spark([None, None], "x", amount) is None


def test_zeros_are_a_line_at_the_bottom() -> None:
    assert {y for _, y in lines([0.0, 0.0])[0]} == {HEIGHT - 1.0}


def test_it_says_the_same_in_words() -> None:
    assert "at most 9, now 3" in (spark([9.0, 3.0], "x", amount) or "")


def test_now_is_the_slot_that_is_closed_when_that_of_now_is_open() -> None:
    assert last([1.0, 2.0, None]) == 2.0
    assert last([1.0, None, None]) is None


def test_four_figures_say_how_something_fares() -> None:
    hours = {"rate": [1.0, 30.0], "failed": [0.0, 2.0], "p99": [0.05], "active": [7.0]}
    found = read(join(cards("*", lambda _, figure: hours[figure])))
    for part in ("30", "50 ms", "7"):
        assert part in found.text
    assert "vital bad" in [one.get("class") for name, one in found.tags if name == "div"]
    quiet = cards("*", lambda _of, _figure: [])
    assert "vital bad" not in quiet

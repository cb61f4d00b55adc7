from __future__ import annotations

import pytest

from tests.bench import report
from tests.bench.load import read_figures
from tests.bench.programs import BenchError

SMALL = report.ROWS[0]
CPU = report.ROWS[1]


def test_a_ratio_is_taken_within_a_round() -> None:
    """A machine that slows down to a tenth in one round does not change what the programs are worth."""
    assert report.ratio([50, 5, 60], [100, 10, 100]) == 0.5


def test_a_ratio_to_nothing_is_none() -> None:
    assert report.ratio([50], []) is None
    assert report.ratio([50], [0]) is None


@pytest.mark.parametrize(("ours", "word"), [(50.0, "met"), (49.0, "missed")])
def test_a_bar_beside_haproxy(ours: float, word: str) -> None:
    figures = {"director": [ours], "haproxy": [100.0]}
    assert report.verdict(SMALL, figures) == f"≥ 0.5 x HAProxy: {word}"


@pytest.mark.parametrize(("ours", "word"), [(25.0, "met"), (25.1, "missed")])
def test_a_bar_by_itself(ours: float, word: str) -> None:
    assert report.verdict(CPU, {"director": [ours]}) == f"≤ 25 µs: {word}"


def test_what_was_not_measured_gets_no_verdict() -> None:
    assert report.verdict(SMALL, {"haproxy": [100.0]}) == "≥ 0.5 x HAProxy"


def test_a_table_has_a_column_for_each_program_and_ratio() -> None:
    head, row = report.table({"small": {"haproxy": [100.0], "nginx": [200.0]}}, ["haproxy", "nginx"])
    assert head == ["", "unit", "haproxy", "nginx", "nginx / haproxy", "asked"]
    assert row[2:5] == ["100", "200", "2.00"]


def test_the_page_keeps_what_stands_around_the_figures() -> None:
    old = f"# Title\n\n{report.BEGIN}\nold\n{report.END}\n\nafter\n"
    new = report.page(old, [["", "unit"], ["small", "x"]], {"date": "today"}, "how")
    assert new.startswith(f"# Title\n\n{report.BEGIN}\n")
    assert new.endswith(f"{report.END}\n\nafter\n")
    assert "old" not in new
    assert "* date: today" in new
    assert report.page(new, [["", "unit"], ["small", "x"]], {"date": "today"}, "how") == new


def test_a_page_without_marks_is_not_written() -> None:
    with pytest.raises(ValueError, match="figures"):
        report.page("# Title", [["a"]], {}, "how")


def test_figures_are_read_from_wrk() -> None:
    run = read_figures("Running 1s test\nFIGURES 1000 2000000 5000 1500 0 0\n", cpu=0.5)
    assert (run.rate, run.octets, run.p99, run.cpu) == (500, 5000, 0.0015, 0.5)


@pytest.mark.parametrize(
    "line", ["FIGURES 10 1000000 5 1 1 0", "FIGURES 10 1000000 5 1 0 1", "FIGURES 0 1 0 0 0 0", ""]
)
def test_a_run_with_errors_is_no_figure(line: str) -> None:
    with pytest.raises(BenchError):
        read_figures(line, cpu=0.0)

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.config.parse import units
from director.config.text.messages import BadValue
from tests.unit.config.reading import refuses_at_a_place


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2s", 2.0),
        ("250ms", 0.25),
        ("1h30m", 5400.0),
        ("1d", 86400.0),
        ("0", 0.0),
        ("1.5s", 1.5),
        ("1m1ms", 60.001),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert units.duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "s", "2 s", "2x", "-2s", "1m1h", "1s1s", "2sx", "x2s", "99999d", "50us", "\u0661s"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(BadValue):
        units.duration(text)


def test_bare_number_says_why() -> None:
    with pytest.raises(BadValue, match=r"^2 has no unit: write 2s or 2ms$"):
        units.duration("2")
    with pytest.raises(BadValue, match=r"^100 per what\? write 100/s or 100/m$"):
        units.rate("100")


def test_microseconds_only_where_they_are_meant() -> None:
    assert units.duration("50us", micro=True) == pytest.approx(50e-6)


@pytest.mark.parametrize(
    ("text", "size"), [("0", 0), ("16k", 16384), ("1m", 1048576), ("2G", 2**31), ("4kb", 4096)]
)
def test_sizes(text: str, size: int) -> None:
    assert units.size(text) == size


@pytest.mark.parametrize("text", ["", "k", "1.5k", "16 k", "-1", "1t", "9" * 30])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(BadValue):
        units.size(text)


def test_rates() -> None:
    assert units.rate("100/s") == 100.0
    assert units.rate("60/m") == 1.0
    with pytest.raises(BadValue):
        units.rate("100/x")


def test_counts_have_bounds() -> None:
    assert units.count("7", 0, 7) == 7
    for text in ("8", "-1", "x", "1e3", ""):
        with pytest.raises(BadValue, match=r"number|range"):
            units.count(text, 0, 7)


@given(st.integers(min_value=0, max_value=86400 * 1000 * 10))
def test_shown_durations_read_back(milliseconds: int) -> None:
    shown = units.show_duration(milliseconds / 1000)
    assert units.duration(shown) == pytest.approx(milliseconds / 1000)


@given(st.text(alphabet="0123456789.mshdu k/", max_size=12))
def test_nothing_but_bad_value_is_raised(text: str) -> None:
    for parser in (units.duration, units.size, units.rate, units.count):
        refuses_at_a_place(parser, text)

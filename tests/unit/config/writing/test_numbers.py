"""Numbers with units read back as the very same float, in as few characters as an operator would use."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.config.parse import checks, units
from director.config.writing.numbers import duration, share


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0"), (0.25, "250ms"), (2.0, "2s"), (1.5, "1s500ms"), (300.0, "5m"), (5400.0, "1h30m"),
        (86400.0 * 180, "180d"), (0.0005, "0.5ms"), (0.0123, "12.3ms"),
    ],
)  # fmt: skip
def test_durations_as_operators_write_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("part", "text"), [(0.5, "50%"), (0.3, "30%"), (1.0, "100%"), (0.125, "12.5%")])
def test_shares_as_operators_write_them(part: float, text: str) -> None:
    assert share(part) == text


@given(st.decimals(min_value=0, max_value=10**7, places=6).map(float))
def test_durations_read_back(seconds: float) -> None:
    assert units.duration(duration(seconds)) == seconds


@given(st.decimals(min_value=0, max_value=100, places=3))
def test_shares_read_back(part: object) -> None:
    number = checks.share(f"{part}%")
    assert checks.share(share(number)) == number

from __future__ import annotations

import pytest

from director.admin.pages.figures import UNKNOWN, ago, amount, clock, per_second, short, size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, UNKNOWN),
        (0.4, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (3661, "1 h 1 min"),
        (90000, "1 d 1 h"),
        (86400 * 3 + 5, "3 d"),
    ],
)
def test_ago_names_the_two_largest_units(seconds: float | None, text: str) -> None:
    assert ago(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, UNKNOWN),
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (50_000_000, "48 MiB"),
        (2**50, "1024 TiB"),
    ],
)
def test_sizes(value: int | None, text: str) -> None:
    assert size(value) == text


def test_counts_rates_and_durations() -> None:
    assert amount(1234567) == "1\u202f234\u202f567"
    assert amount(None) == UNKNOWN
    assert [per_second(one) for one in (None, 0.04, 9.96, 1234.4)] == [UNKNOWN, "0.0", "10.0", "1\u202f234"]
    assert [short(one, "s") for one in (None, 0.0005, 0.25, 1, 30)] == [
        UNKNOWN,
        "0.5 ms",
        "250 ms",
        "1 s",
        "30 s",
    ]
    assert short(1024) == "1\u202f024"


def test_clock() -> None:
    assert clock("2027-01-15T07:57:50.250Z") == "2027-01-15 07:57:50 UTC"
    assert clock(None) == UNKNOWN

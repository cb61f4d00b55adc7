from __future__ import annotations

import pytest

from director.admin.pages.figures import (
    UNKNOWN,
    ago,
    amount,
    clock,
    counted,
    lasting,
    of_day,
    per_second,
    short,
    size,
    stamped,
)


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


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, "0 s"),
        (0.2, "1 s"),
        (41.0, "41 s"),
        (60.0, "1:00"),
        (185.0, "3:05"),
        (3600.0, "1:00:00"),
        (3723.0, "1:02:03"),
    ],
)
def test_a_time_that_runs_out_is_shown_as_a_clock_shows_it(seconds: float, said: str) -> None:
    assert lasting(seconds) == said


def test_of_what_happened_just_now_the_day_is_not_told() -> None:
    assert of_day("2026-11-30T12:03:04.560Z") == "12:03:04.5"
    assert stamped(1_800_000_000.0) == "2027-01-15 08:00:00 UTC"


def test_a_number_of_things() -> None:
    assert [counted(number, "request") for number in (0, 1, 2)] == ["0 requests", "1 request", "2 requests"]

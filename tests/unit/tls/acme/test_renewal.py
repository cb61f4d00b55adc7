from __future__ import annotations

import pytest

from director.tls.acme.renewal import is_due, wait

DAY = 86400.0


@pytest.mark.parametrize(("day", "due"), [(0, False), (59.9, False), (60, True), (95, True)])
def test_ninety_days_are_renewed_with_thirty_left(day: float, due: bool) -> None:
    assert is_due(0.0, 90 * DAY, day * DAY) is due


def test_waits_grow_to_a_day_and_spread() -> None:
    waits = [wait(count, 0.0) for count in range(1, 12)]
    assert waits[:3] == [60.0, 180.0, 540.0]
    assert waits == sorted(waits)
    assert waits[-1] == DAY
    assert wait(1000, 0.0) == DAY
    assert 60.0 < wait(1, 0.5) < wait(1, 1.0) == 75.0


def test_an_authority_that_asks_for_more_gets_it_within_reason() -> None:
    assert wait(1, 0.0, 3600.0) == 3600.0
    assert wait(1, 0.0, 1e12) == DAY
    assert wait(3, 0.0, 10.0) == 540.0

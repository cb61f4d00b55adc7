from __future__ import annotations

from director.registry.reports import Instant, Readiness


def test_a_monotonic_time_becomes_a_time_of_day() -> None:
    assert Instant(now=100.0, time=5000.0).when(40.0) == 4940.0


def test_one_reason_is_enough_not_to_be_ready() -> None:
    assert Readiness().ready
    assert not Readiness(("stopping",)).ready

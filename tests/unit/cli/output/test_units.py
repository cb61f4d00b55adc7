from __future__ import annotations

from director.cli.output import units


def test_units() -> None:
    assert [units.ago(one) for one in (None, 59, 60, 3600, 90000)] == ["-", "59s", "1m", "1h", "1d"]
    assert [units.duration(one) for one in (None, 0.0005, 2)] == ["-", "0.5 ms", "2 s"]
    assert [units.rate(one) for one in (None, 2.25)] == ["-", "2.2"]

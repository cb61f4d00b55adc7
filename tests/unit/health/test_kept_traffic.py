from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.health.kept_traffic import read, rows
from director.health.passive import TrafficRecord
from director.registry.evidence import Ejection

EPOCH = 1_800_000_000.0
"""Wall-clock time less monotonic seconds in the first run; in the second the machine was started anew."""
NEW_EPOCH = EPOCH + 500.0
OUT = Ejection("web", "10.0.0.1:80", 90.0, "5 in a row", ((89.0, "5xx"),), 30.0, 2)
BEFORE = Ejection("web", "10.0.0.1:80", 10.0, "5 in a row", ((9.0, "connect"),), 15.0, 1, 25.0)
RECORD = TrafficRecord("web", "10.0.0.1:80", ((89.0, "5xx"),), (BEFORE,), OUT, 25.0, 2)


def again(*records: TrafficRecord) -> list[TrafficRecord]:
    return read(json.loads(f"[{', '.join(rows(records, EPOCH))}]"), NEW_EPOCH)


def test_the_same_moments_on_another_monotonic_clock() -> None:
    (found,) = again(RECORD)
    assert (found.pool, found.address, found.failures, found.times) == (
        ("web", "10.0.0.1:80", ((-411.0, "5xx"),), 2)
    )
    assert found.out == Ejection("web", "10.0.0.1:80", -410.0, "5 in a row", ((-411.0, "5xx"),), 30.0, 2)
    (past,) = found.past
    assert (past.time, past.ended, past.reason) == (-490.0, -475.0, "5 in a row")


def test_who_is_not_out() -> None:
    (found,) = again(TrafficRecord("web", "x", times=1, returned=3.0))
    assert (found.out, found.past, found.returned) == (None, (), -497.0)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(JSON)
def test_what_is_no_list_of_rows_is_nothing(found: Any) -> None:
    assert read(found, EPOCH) == []


@pytest.mark.parametrize("key", ["pool", "failures", "past", "out", "returned", "times"])
def test_a_row_that_lacks_something_is_left_out(key: str) -> None:
    good, bad = (json.loads(rows([RECORD], EPOCH)[0]) for _ in range(2))
    del bad[key]
    assert [one.address for one in read([bad, good], EPOCH)] == ["10.0.0.1:80"]

"""What real traffic showed, as text and back: who was ejected, and why, outlives a restart like a verdict.

A server that is out stays out until its time is over, on the wall clock.  Pure; the file is that of `kept`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from director.health.passive import TrafficRecord
from director.registry.evidence import Ejection

KEPT = "traffic"
"""Under which word it stands in the file."""


def rows(records: Iterable[TrafficRecord], epoch: float) -> list[str]:
    """One text for each server; `epoch` makes wall-clock times of monotonic ones."""
    return [json.dumps(_row(one, epoch), ensure_ascii=False) for one in records]


def read(found: Any, epoch: float) -> list[TrafficRecord]:
    """The records of a file's rows; a row that is none is left out."""
    made = []
    for row in found if isinstance(found, list) else ():
        try:
            made.append(_record(row, epoch))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return made


def _row(record: TrafficRecord, epoch: float) -> dict[str, Any]:
    return {
        "pool": record.pool,
        "address": record.address,
        "failures": [[time + epoch, cause] for time, cause in record.failures],
        "past": [_told(one, epoch) for one in record.past],
        "out": None if record.out is None else _told(record.out, epoch),
        "returned": record.returned + epoch,
        "times": record.times,
    }


def _told(one: Ejection, epoch: float) -> dict[str, Any]:
    return {
        "time": one.time + epoch,
        "reason": one.reason,
        "failures": [[time + epoch, cause] for time, cause in one.failures],
        "seconds": one.seconds,
        "count": one.count,
        "ended": None if one.ended is None else one.ended + epoch,
    }


def _record(row: Mapping[str, Any], epoch: float) -> TrafficRecord:
    pool, address, out = str(row["pool"]), str(row["address"]), row["out"]
    return TrafficRecord(
        pool,
        address,
        _failures(row["failures"], epoch),
        tuple(_ejection(pool, address, one, epoch) for one in row["past"]),
        None if out is None else _ejection(pool, address, out, epoch),
        float(row["returned"]) - epoch,
        int(row["times"]),
    )


def _ejection(pool: str, address: str, told: Mapping[str, Any], epoch: float) -> Ejection:
    ended = told["ended"]
    return Ejection(
        pool,
        address,
        float(told["time"]) - epoch,
        str(told["reason"]),
        _failures(told["failures"], epoch),
        float(told["seconds"]),
        int(told["count"]),
        None if ended is None else float(ended) - epoch,
    )


def _failures(told: list[Any], epoch: float) -> tuple[tuple[float, str], ...]:
    return tuple((float(time) - epoch, str(cause)) for time, cause in told)

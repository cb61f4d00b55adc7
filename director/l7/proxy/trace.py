"""What is remembered of a request: one tuple, for the log line and the kept trace alike.

A record is a plain tuple in the order of `FIELDS`, because making one must cost next to
nothing when nobody looks.  `as_dict` and the two formatters are for whoever does look.
"""

from __future__ import annotations

import json
from collections import deque
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from director.caches import remember

if TYPE_CHECKING:
    from collections.abc import Sequence

FIELDS = (
    "id", "time", "service", "client", "method", "target", "host", "rule", "pool", "sticky", "reason",
    "server", "tries", "injected", "fault", "status", "outcome", "sent", "received", "connect",
    "first_byte", "total",
)  # fmt: skip
"""`time` and durations are seconds, monotonic; `sent` are octets to the client, `received` from it;
`reason` is a lease's (scheduler, active, inactive, weight, candidates) or None; `tries` is a tuple of
(server, what came of it), `injected` one of (server, fault) for tries that met a fault on purpose; `connect`
and `first_byte` may be None; `status` is 0 where there was none.
A connection that is relayed unread has `TCP` as its method and the address that was called as its target."""

Record = tuple[Any, ...]


TEXT_LIMIT = 1024
"""Characters kept of a target and of a host, if they are longer together: clients choose these."""
_TARGET_AT, _HOST_AT = FIELDS.index("target"), FIELDS.index("host")
_TARGET, _HOST, _FAULT = (itemgetter(FIELDS.index(name)) for name in ("target", "host", "fault"))


FAULTS_KEPT = 100
"""Records of the fault path that are kept beside the others, so that much traffic does not push them out."""


class Traces:
    """The last `size` records, by id; overlong targets and hosts are kept in part."""

    def __init__(self, size: int) -> None:
        self._ring: deque[Record] = deque(maxlen=size)
        self._faults: deque[Record] = deque(maxlen=min(size, FAULTS_KEPT))

    def __len__(self) -> int:
        return len(self._ring)

    def extend(self, records: Sequence[Record]) -> None:
        """Keep records, oldest first."""
        # Asked of the whole batch at once: a step of Python for each record costs a hundredth of a request.
        targets, hosts = map(len, map(_TARGET, records)), map(len, map(_HOST, records))
        if max(targets, default=0) + max(hosts, default=0) > TEXT_LIMIT:
            records = [_shortened(record) for record in records]
        self._ring += records
        self._faults += filter(_FAULT, records)

    def find(self, identity: str) -> Record | None:
        """The record with that id, newest first; None when it is not (or no longer) kept."""
        for ring in (self._ring, self._faults):
            for record in reversed(ring):
                if record[0] == identity:
                    return record
        return None

    def faults(self, limit: int) -> list[Record]:
        """The newest records of the fault path, newest first."""
        return [record for record, _ in zip(reversed(self._faults), range(limit), strict=False)]

    def last(self, limit: int) -> list[Record]:
        """The newest records, newest first."""
        return [record for record, _ in zip(reversed(self._ring), range(limit), strict=False)]


def _shortened(record: Record) -> Record:
    if len(_TARGET(record)) + len(_HOST(record)) <= TEXT_LIMIT:
        return record
    parts = list(record)
    parts[_TARGET_AT] = _TARGET(record)[:TEXT_LIMIT]
    parts[_HOST_AT] = _HOST(record)[:TEXT_LIMIT]
    return tuple(parts)


def as_dict(record: Record, epoch: float) -> dict[str, Any]:
    """A record for people and programs; `epoch` is wall clock minus monotonic clock, in seconds."""
    found = dict(zip(FIELDS, record, strict=True))
    reason = found.pop("reason")
    names = ("scheduler", "active", "inactive", "weight", "candidates")
    found |= dict(zip(names, reason or (None,) * len(names), strict=True))
    found["load"] = None if reason is None else reason[1] + reason[2]
    found["time"] += epoch
    found["tries"] = [list(one) for one in found["tries"]]
    found["injected"] = [list(one) for one in found["injected"]]
    found["times"] = {name: found.pop(name) for name in ("connect", "first_byte", "total")}
    return found


@remember("log_seconds", 8)
def _second(seconds: int) -> str:
    """UTC in ISO 8601 up to the full second; lines come in order, so the last few are enough."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@remember("log_stamps", 64)
def _thousandth(thousandths: int) -> str:
    """UTC in ISO 8601 with milliseconds; under load, many lines fall into one."""
    return f"{_second(thousandths // 1000)}.{thousandths % 1000:03d}Z"


@remember("log_durations", 1024)
def _tenths(number: int) -> str:
    """Tenths of a millisecond in milliseconds; the short times that make up most lines come again."""
    return f"{number // 10}.{number % 10}"


def _quoted(text: str) -> str:
    """`text` in double quotes, so that it is on one line and in ASCII, whatever is in it."""
    quoted = encode_basestring_ascii(text)
    return quoted.replace("\x7f", "\\u007f") if "\x7f" in quoted else quoted


@remember("log_ways", 1024)
def _went(service: str, rule: str, pool: str, server: str, why: str, tries: int, fault: str) -> str:
    """Where a request went and why; most requests go where others went."""
    rule = _quoted(rule) if rule else "-"
    fault = fault.replace(" ", ":", 1) if fault else "-"
    return (
        f"svc={service} rule={rule} pool={pool or '-'} server={server or '-'} by={why} "
        f"tries={tries} fault={fault}"
    )


def text_line(record: Record, epoch: float) -> str:
    """One access-log line: time, client, request, status, octets, then where it went, why and how long."""
    (identity, at, service, client, method, target, host, rule, pool, sticky, reason, server, tries, injected,
     fault, status, outcome, sent, received, connect, first, total) = record  # fmt: skip
    why = "sticky" if sticky else reason[0] if reason else "-"
    went = _went(service, rule, pool, server, why, len(tries), fault)
    if ":" in outcome:
        outcome, _, wrong = outcome.partition(": ")
        identity += f" reason={_quoted(wrong)}"
    if injected:
        identity += f" injected={_quoted(', '.join(f'{name} on {where}' for where, name in injected))}"
    asked = _quoted(f"{method} {host}{target}")
    ended = f"{status or '-'} {outcome}"
    opening = "-" if connect is None else _tenths(round(connect * 10_000))
    answering = "-" if first is None else _tenths(round(first * 10_000))
    return (
        f"{_thousandth(int((at + epoch) * 1000))} {client} {asked} {ended} {received}/{sent}B "
        f"{went} ms={opening}/{answering}/{_tenths(round(total * 10_000))} id={identity}\n"
    )


def json_line(record: Record, epoch: float) -> str:
    """The same as one JSON object on a line."""
    found = as_dict(record, epoch)
    found["time"] = _thousandth(int(found["time"] * 1000))
    found["status"] = found["status"] or None
    return json.dumps(found, separators=(",", ":")).replace("\x7f", "\\u007f") + "\n"

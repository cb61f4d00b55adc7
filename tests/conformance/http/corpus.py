"""All cases in one place, with unique names."""

from __future__ import annotations

from attrs import evolve

from tests.conformance.http import (
    bodies,
    connections,
    field_lines,
    request_line,
    targets,
)
from tests.conformance.http.model import Case, Verdict, refuse

CASES: tuple[Case, ...] = (
    *request_line.CASES,
    *targets.CASES,
    *field_lines.CASES,
    *bodies.CASES,
    *connections.CASES,
)
# Cases up to this size are also cut at each length and sent octet by octet.
SMALL = 400


def bytewise(case: Case) -> Case:
    """The same bytes, one octet per segment."""
    raw = case.raw
    return evolve(case, segments=tuple(raw[at : at + 1] for at in range(len(raw))))


def truncations(case: Case) -> list[Case]:
    """The case cut at each length, then FIN: nothing of it may ever be complete.

    For forwarded cases with one request; the cut is always inside that request.
    """
    if case.verdict is not Verdict.FORWARD or len(case.wants) != 1 or len(case.raw) > SMALL:
        return []
    allowed = frozenset({0, 400, 408, 413, 414, 417, 431, 501, 505})
    return [
        refuse(
            f"{case.id}.cut-{length}",
            case.about,
            case.raw[:length],
            statuses=allowed,
            partial=True,
            fin=True,
        )
        for length in range(len(case.raw))
    ]

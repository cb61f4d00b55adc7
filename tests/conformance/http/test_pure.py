"""The framer without sockets: whole, octet by octet, cut at each length, and beside h11."""

from __future__ import annotations

import pytest
from attrs import evolve

from tests.conformance.http.corpus import CASES, SMALL, bytewise, truncations
from tests.conformance.http.model import Case, Verdict, complaints
from tests.conformance.http.oracle import H11_CANNOT, by_h11
from tests.conformance.http.pure_adapter import judge

PLAIN = [case for case in CASES if case.setting == "plain"]
LEGAL = [case for case in PLAIN if case.verdict is Verdict.FORWARD]
SHORT = [case for case in PLAIN if len(case.raw) <= SMALL]


def whole(case: Case) -> Case:
    return evolve(case, segments=(case.raw,))


@pytest.mark.parametrize("case", PLAIN, ids=lambda case: case.id)
def test_whole(case: Case) -> None:
    assert complaints(case, judge(whole(case))) == []


@pytest.mark.parametrize("case", SHORT, ids=lambda case: case.id)
def test_octet_by_octet(case: Case) -> None:
    assert complaints(case, judge(bytewise(case))) == []


@pytest.mark.parametrize("case", LEGAL, ids=lambda case: case.id)
def test_cut_at_each_length(case: Case) -> None:
    wrong = {cut.id: found for cut in truncations(case) if (found := complaints(cut, judge(cut)))}
    assert wrong == {}


@pytest.mark.parametrize("case", SHORT, ids=lambda case: case.id)
def test_what_is_accepted_reads_the_same_for_h11(case: Case) -> None:
    outcome = judge(whole(case))
    if case.verdict is Verdict.REFUSE or set(outcome.statuses) != {200} or case.id in H11_CANNOT:
        return
    theirs = by_h11(case.raw)
    assert [(each.method, each.body) for each in outcome.seen] == [
        (each.method, each.body) for each in theirs
    ]

"""The framer without sockets: whole, octet by octet, cut at each length, and beside h11."""

from __future__ import annotations

import pytest
from attrs import evolve

from tests.conformance.http import pure_adapter
from tests.conformance.http.corpus import CASES, SMALL, bytewise, truncations
from tests.conformance.http.model import Case, Judge, Verdict, complaints
from tests.conformance.http.oracle import H11_CANNOT, by_h11

PLAIN = [case for case in CASES if case.setting == "plain"]
LEGAL = [case for case in PLAIN if case.verdict is Verdict.FORWARD]
SHORT = [case for case in PLAIN if len(case.raw) <= SMALL]


@pytest.fixture
def judge() -> Judge:
    if pure_adapter.judge is None:
        pytest.skip("needs the framer: tests/conformance/http/pure_adapter.py is not filled in yet")
    return pure_adapter.judge


def whole(case: Case) -> Case:
    return evolve(case, segments=(case.raw,))


@pytest.mark.parametrize("case", PLAIN, ids=lambda case: case.id)
def test_whole(case: Case, judge: Judge) -> None:
    assert complaints(case, judge(whole(case))) == []


@pytest.mark.parametrize("case", SHORT, ids=lambda case: case.id)
def test_octet_by_octet(case: Case, judge: Judge) -> None:
    assert complaints(case, judge(bytewise(case))) == []


@pytest.mark.parametrize("case", LEGAL, ids=lambda case: case.id)
def test_cut_at_each_length(case: Case, judge: Judge) -> None:
    wrong = {cut.id: found for cut in truncations(case) if (found := complaints(cut, judge(cut)))}
    assert wrong == {}


@pytest.mark.parametrize("case", SHORT, ids=lambda case: case.id)
def test_what_is_accepted_reads_the_same_for_h11(case: Case, judge: Judge) -> None:
    outcome = judge(whole(case))
    if case.verdict is Verdict.REFUSE or not outcome.seen or case.id in H11_CANNOT:
        return
    theirs = by_h11(case.raw)
    assert [(each.method, each.body) for each in outcome.seen] == [
        (each.method, each.body) for each in theirs
    ]

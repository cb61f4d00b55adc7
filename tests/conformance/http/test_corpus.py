"""The corpus itself: unique names, enough of everything, and legal cases are legal for others too."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.conformance.http import answers, bypass
from tests.conformance.http.corpus import CASES
from tests.conformance.http.model import Case, Seen, Verdict
from tests.conformance.http.oracle import H11_CANNOT, DisagreementError, by_h11, by_httptools
from tests.support.strict import MalformedError, Reader

LEGAL = [case for case in CASES if case.verdict is Verdict.FORWARD]
# Where a grown-up parser is wrong or narrower than the RFC; the RFC wins.
HTTPTOOLS_DIFFERS = (
    ("method.good-", "llhttp knows a fixed list of methods"),
    ("method.tchar-", "llhttp knows a fixed list of methods"),
    ("method.long-64", "llhttp knows a fixed list of methods"),
    ("version.1-", "llhttp knows 1.0 and 1.1 only"),
    ("coding.ows", "llhttp refuses a tab behind chunked"),
)


def names(cases: list[Case]) -> list[str]:
    return [case.id for case in cases]


def test_names_are_unique() -> None:
    several = [*names(list(CASES)), *(case.id for case in answers.CASES)]
    assert [name for name, count in Counter(several).items() if count > 1] == []


def test_there_is_enough_of_everything() -> None:
    verdicts = Counter(case.verdict for case in CASES)
    assert verdicts[Verdict.REFUSE] >= 400
    assert verdicts[Verdict.FORWARD] >= 180
    assert len(answers.CASES) >= 100
    assert len(bypass.TARGETS) >= 35


@pytest.mark.parametrize("case", CASES, ids=names(list(CASES)))
def test_a_case_is_coherent(case: Case) -> None:
    assert case.segments
    if case.verdict is Verdict.REFUSE:
        assert case.statuses
    else:
        assert case.wants


def agree(case: Case, seen: tuple[Seen, ...]) -> None:
    assert [(each.method, each.body) for each in seen] == [(want.method, want.body) for want in case.wants]
    for want, each in zip(case.wants, seen, strict=True):
        targets = {
            *want.targets,
            *(part for part in case.raw.split(b" ") if part.startswith(b"http://")),
        }
        assert each.target in targets
        for name, _ in want.fields:
            if name != b"host" or b"://" not in each.target:
                assert each.values(name) == tuple(value for key, value in want.fields if key == name)


BY_H11 = [case for case in LEGAL if case.id not in H11_CANNOT]
"""h11 0.16 does not take an empty line in front of a request (RFC 9112 2.2); httptools judges those."""


@pytest.mark.parametrize("case", BY_H11, ids=names(BY_H11))
def test_legal_is_legal_for_h11(case: Case) -> None:
    agree(case, by_h11(case.raw))


@pytest.mark.parametrize("case", LEGAL, ids=names(LEGAL))
def test_legal_is_legal_for_httptools(case: Case) -> None:
    try:
        seen = by_httptools(case.raw)
    except DisagreementError:
        assert case.id.startswith(tuple(prefix for prefix, _ in HTTPTOOLS_DIFFERS))
    else:
        agree(case, seen)


@pytest.mark.parametrize("case", LEGAL, ids=names(LEGAL))
def test_legal_is_legal_for_our_own_origin(case: Case) -> None:
    """The strict reader behind the proxy must not be stricter than the corpus."""
    if case.id in H11_CANNOT:
        with pytest.raises(MalformedError):
            Reader().feed(case.raw)
        return
    raw = case.raw.replace(b"CHUNKED", b"chunked").replace(b"cHuNkEd", b"chunked")
    messages = Reader().feed(raw)
    assert [bytes(message.body) for message in messages] == [want.body for want in case.wants]

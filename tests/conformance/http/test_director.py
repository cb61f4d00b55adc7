"""The corpus against the running program, over sockets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.http import answer_judge, answers, bypass
from tests.conformance.http.corpus import CASES
from tests.conformance.http.model import Case, Judge, complaints
from tests.conformance.http.settings import DENIED, LIMITS, PLAIN
from tests.conformance.http.socket_adapter import SocketJudge
from tests.support import needs
from tests.support.client import Place, fetch
from tests.support.origin import Origin
from tests.support.running import Director

pytestmark = [pytest.mark.integration, needs.director]


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin() as origin:
        yield origin


@pytest.fixture(scope="module")
def settings(origin: Origin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Place]]:
    """A director for each setting, all in front of one origin."""
    texts = {"plain": PLAIN, "limits": LIMITS, "denied": DENIED}
    running: list[Director] = []
    try:
        for name, text in texts.items():
            director = Director(text.format(origin=origin.address), tmp_path_factory.mktemp(name))
            director.start()
            running.append(director)
        yield {name: director.place for name, director in zip(texts, running, strict=True)}
    finally:
        for director in running:
            director.stop()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_request(case: Case, settings: dict[str, Place], origin: Origin) -> None:
    origin.answer = Origin.usual
    judge: Judge = SocketJudge(settings[case.setting], origin)
    assert complaints(case, judge(case)) == []


@pytest.mark.parametrize("case", answers.CASES, ids=lambda case: case.id)
def test_answer(case: answers.AnswerCase, settings: dict[str, Place], origin: Origin) -> None:
    assert answer_judge.complaints(settings["plain"], origin, case) == []


def ask(target: bytes) -> bytes:
    return b"GET %s HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n" % target


@pytest.mark.parametrize("name", bypass.TARGETS)
def test_denied(name: str, settings: dict[str, Place], origin: Origin) -> None:
    origin.answer = Origin.usual
    origin.forget()
    answer = fetch(settings["denied"], ask(bypass.TARGETS[name]))
    assert answer.status in {400, 403}
    assert origin.log == []


@pytest.mark.parametrize("name", bypass.ALLOWED)
def test_not_denied(name: str, settings: dict[str, Place], origin: Origin) -> None:
    origin.answer = Origin.usual
    origin.forget()
    assert fetch(settings["denied"], ask(bypass.ALLOWED[name])).status == 200
    assert [message.target for message in origin.log] == [bypass.ALLOWED[name]]

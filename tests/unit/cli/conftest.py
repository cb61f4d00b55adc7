"""The commands over the director's admin in memory."""

from __future__ import annotations

import pytest

from director.cli import director, locating
from tests.unit.admin import sample
from tests.unit.cli.memory import MemoryClient, Run


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> MemoryClient:
    made = MemoryClient()
    sample.fill(made.admin.control)
    sample.trouble(made.admin.control)
    monkeypatch.setattr(locating, "connected", lambda *_: made)
    return made


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str) -> tuple[int, str, str]:
        code = director.main(words)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return call

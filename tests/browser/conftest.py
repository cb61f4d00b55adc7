"""One browser for all tests of the pages, and two samples that it is shown."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import frozen

from tests.browser.chromium import Chromium, browser, find
from tests.support.running import ROOT


@frozen
class Sample:
    """An admin over a sample; each of its links signs in once, so who comes first uses it."""

    kind: str
    link: str
    token: str

    @property
    def origin(self) -> str:
        """Where it is."""
        return self.link.partition("/login")[0]


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """The browser, without anybody's cookies."""
    if find() is None:
        pytest.skip("chromium is missing: apt install chromium")
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@contextmanager
def _served(kind: str, state: Path) -> Iterator[Sample]:
    command = [sys.executable, "-m", "tests.browser.served", kind, str(state)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    try:
        assert process.stdout is not None
        link = process.stdout.readline().strip()
        yield Sample(kind, link, (state / "admin.token").read_text().strip())
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)


@pytest.fixture(scope="session")
def well(chromium: Chromium, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    """A director without a worry; the browser is signed in."""
    with _served("well", tmp_path_factory.mktemp("well")) as found:
        chromium.go(found.link)
        yield found


@pytest.fixture(scope="session")
def trouble(chromium: Chromium, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    """One with a pool that is down; the browser is signed in."""
    with _served("trouble", tmp_path_factory.mktemp("trouble")) as found:
        chromium.go(found.link)
        yield found


@pytest.fixture(params=["well", "trouble"])
def shown(request: pytest.FixtureRequest) -> Sample:
    """Both of them in turn."""
    found: Sample = request.getfixturevalue(request.param)
    return found

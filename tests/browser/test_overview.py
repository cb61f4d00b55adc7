"""The overview page in a real browser: what it shows, what it keeps to, how it looks."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.chromium import Chromium, browser, find

ROOT = Path(__file__).parents[2]
WELL, TROUBLED = "well", "trouble"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find() is None, reason="chromium is missing: apt install chromium"),
]


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the token lies."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module", params=[WELL, TROUBLED])
def shown(request: pytest.FixtureRequest, state: Path) -> Iterator[tuple[str, str]]:
    """What is to be seen, and the link that signs in once."""
    command = [sys.executable, "-m", "tests.browser.served", request.param, str(state)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    try:
        assert process.stdout is not None
        yield request.param, process.stdout.readline().strip()
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's contrast ratio of two `rgb(…)` colours."""

    def luminance(text: str) -> float:
        parts = [int(part) / 255 for part in re.findall(r"\d+", text)[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_it_fits_and_can_be_read(
    chromium: Chromium, shown: tuple[str, str], width: int, theme: str, tmp_path: Path
) -> None:
    chromium.view(width, 800, theme)
    chromium.go(shown[1])
    assert chromium.run("document.documentElement.scrollWidth") <= width
    assert chromium.complaints() == []
    assert "token" not in chromium.run("location.href")
    pairs = chromium.run("""[...document.querySelectorAll("h1, h2, td, th, dd, dt, small, p, a, button")]
        .filter(one => one.offsetParent && one.textContent.trim()).map(one => {
            let ground = one, colour = "rgba(0, 0, 0, 0)";
            while (ground && colour === "rgba(0, 0, 0, 0)") {
                colour = getComputedStyle(ground).backgroundColor; ground = ground.parentElement;
            }
            return [getComputedStyle(one).color, colour, one.textContent.trim().slice(0, 30)];
        })""")
    assert pairs
    low = [(text, one, other) for one, other, text in pairs if contrast(one, other) < 4.5]
    assert low == []
    chromium.picture(tmp_path / f"{shown[0]}-{width}-{theme}.png")
    assert (tmp_path / f"{shown[0]}-{width}-{theme}.png").stat().st_size > 10_000


def test_the_answer_is_first_and_big(chromium: Chromium, shown: tuple[str, str]) -> None:
    chromium.view(1280, 800)
    chromium.go(shown[1])
    wanted = {WELL: "All is well", TROUBLED: "Pool images cannot serve"}[shown[0]]
    assert chromium.run("document.querySelector('h1').textContent") == wanted
    assert chromium.run("document.querySelector('h1').getBoundingClientRect().bottom") < 300
    assert chromium.run("parseFloat(getComputedStyle(document.querySelector('h1')).fontSize)") >= 20


def test_figures_change_without_a_reload_and_focus_stays(chromium: Chromium, shown: tuple[str, str]) -> None:
    chromium.view(1280, 800)
    chromium.go(shown[1])
    chromium.run("window.same = true; document.querySelector('a.json').focus()")
    number = "document.querySelector('[data-label=\"Requests\"]').textContent"
    before = chromium.run(number)
    chromium.until(f"{number} !== {before!r}")
    assert chromium.run("window.same && document.activeElement.className === 'json'")
    assert chromium.complaints() == []


def test_without_scripts_the_tables_are_the_same(chromium: Chromium, shown: tuple[str, str]) -> None:
    chromium.view(1280, 800, scripts=False)
    chromium.go(shown[1])
    rows = chromium.run("document.querySelectorAll('tbody tr').length")
    chromium.view(1280, 800)
    chromium.go(shown[1])
    assert rows == chromium.run("document.querySelectorAll('tbody tr').length") >= 7


def test_all_is_reached_by_keyboard(chromium: Chromium, shown: tuple[str, str]) -> None:
    chromium.view(1280, 800)
    chromium.go(shown[1])
    seen = []
    for _ in range(45):
        for kind in ("keyDown", "keyUp"):
            chromium.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        seen.append(
            chromium.run("document.activeElement.getAttribute('href') || document.activeElement.textContent")
        )
    assert seen[0] == "#live"
    assert {"Sign out", "/api/v1/services", "/api/v1/pools/web", "/metrics"} <= set(seen)


def test_signing_out_with_the_button(chromium: Chromium, shown: tuple[str, str], state: Path) -> None:
    chromium.view(360, 800)
    chromium.go(shown[1])
    chromium.run("document.querySelector('.out button').click()")
    chromium.until("location.pathname === '/login' && document.readyState === 'complete'")
    assert chromium.run("document.querySelector('label[for=token]').textContent") == "Admin token"
    token = (state / "admin.token").read_text().strip()
    chromium.run(
        f"document.querySelector('#token').value = {token!r}; document.querySelector('button').click()"
    )
    chromium.until("location.pathname === '/' && !!document.querySelector('h1')")


def test_when_the_director_is_gone_the_page_says_so(chromium: Chromium, shown: tuple[str, str]) -> None:
    chromium.view(1280, 800)
    chromium.go(shown[1])
    chromium.call(
        "Network.emulateNetworkConditions",
        offline=True,
        latency=0,
        downloadThroughput=-1,
        uploadThroughput=-1,
    )
    try:
        chromium.until("document.getElementById('pulse').textContent.startsWith('No answer since')")
    finally:
        chromium.call(
            "Network.emulateNetworkConditions",
            offline=False,
            latency=0,
            downloadThroughput=-1,
            uploadThroughput=-1,
        )
    chromium.until("document.getElementById('pulse').textContent === 'Live'")

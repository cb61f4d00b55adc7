"""The overview page in a real browser: what it shows, what it keeps to, how it looks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.browser.chromium import Chromium
from tests.browser.conftest import Sample

pytestmark = pytest.mark.browser


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
    chromium: Chromium, shown: Sample, width: int, theme: str, tmp_path: Path
) -> None:
    chromium.view(width, 800, theme)
    chromium.go(shown.origin)
    assert chromium.run("document.documentElement.scrollWidth") <= width
    assert chromium.complaints() == []
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
    chromium.picture(tmp_path / f"{shown.kind}-{width}-{theme}.png")
    assert (tmp_path / f"{shown.kind}-{width}-{theme}.png").stat().st_size > 10_000


def test_the_answer_is_first_and_big(chromium: Chromium, shown: Sample) -> None:
    chromium.view(1280, 800)
    chromium.go(shown.origin)
    wanted = {"well": "All is well", "trouble": "Pool images cannot serve"}[shown.kind]
    assert chromium.run("document.querySelector('h1').textContent") == wanted
    assert chromium.run("document.querySelector('h1').getBoundingClientRect().bottom") < 300
    assert chromium.run("parseFloat(getComputedStyle(document.querySelector('h1')).fontSize)") >= 20


def test_figures_change_without_a_reload_and_focus_stays(chromium: Chromium, shown: Sample) -> None:
    chromium.view(1280, 800)
    chromium.go(shown.origin)
    chromium.run("window.same = true; document.querySelector('.behind summary').focus()")
    number = "document.querySelector('[data-label=\"Requests\"]').textContent"
    before = chromium.run(number)
    chromium.until(f"{number} !== {before!r}")
    assert chromium.run("window.same && document.activeElement.matches('.behind summary')")
    assert chromium.complaints() == []


def test_without_scripts_the_tables_are_the_same(chromium: Chromium, shown: Sample) -> None:
    chromium.view(1280, 800, scripts=False)
    chromium.go(shown.origin)
    rows = chromium.run("document.querySelectorAll('tbody tr').length")
    chromium.view(1280, 800)
    chromium.go(shown.origin)
    assert rows == chromium.run("document.querySelectorAll('tbody tr').length") >= 7


def test_all_is_reached_by_keyboard(chromium: Chromium, shown: Sample) -> None:
    chromium.view(1280, 800)
    chromium.go(shown.origin)
    seen = []
    for _ in range(45):
        for kind in ("keyDown", "keyUp"):
            chromium.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        seen.append(
            chromium.run("document.activeElement.getAttribute('href') || document.activeElement.textContent")
        )
    assert seen[0] == "#live"
    assert {"Sign out", "Data", "/pools/web", "Servers"} <= set(seen)


def test_what_somebody_opened_stays_open_while_figures_change(chromium: Chromium, well: Sample) -> None:
    chromium.view(1280, 800)
    chromium.go(well.origin)
    pool = "document.querySelector('[data-key=dns] details')"
    assert chromium.run(f"{pool}.open") is False
    chromium.run(f"{pool}.open = true")
    number = "document.querySelector('[data-label=\"Requests\"]').textContent"
    before = chromium.run(number)
    chromium.until(f"{number} !== {before!r}")
    assert chromium.run(f"{pool}.open") is True


def test_a_link_signs_in_once_and_the_token_always(chromium: Chromium, shown: Sample) -> None:
    chromium.view(360, 800)
    chromium.go(shown.origin)
    chromium.run("document.querySelector('.out button').click()")
    chromium.until("location.pathname === '/login' && document.readyState === 'complete'")
    chromium.go(shown.link)
    assert chromium.run("document.querySelector('label[for=token]').textContent") == "Admin token"
    chromium.run(
        f"document.querySelector('#token').value = {shown.token!r};document.querySelector('button').click()"
    )
    chromium.until("location.pathname === '/' && !!document.querySelector('h1')")


def test_without_an_answer_the_page_is_grey_until_there_is_one(chromium: Chromium, well: Sample) -> None:
    chromium.view(1280, 800)
    chromium.go(well.origin)
    conditions = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    chromium.call("Network.emulateNetworkConditions", offline=True, **conditions)
    try:
        chromium.until("document.getElementById('pulse').textContent.startsWith('No answer since')")
        assert chromium.run("getComputedStyle(document.querySelector('main')).filter") == "grayscale(1)"
    finally:
        chromium.call("Network.emulateNetworkConditions", offline=False, **conditions)
    chromium.until("document.getElementById('pulse').textContent === 'Live'")
    assert chromium.run("getComputedStyle(document.querySelector('main')).filter") == "none"

"""The other pages in a real browser: what a person does on them, and how they fit."""

from __future__ import annotations

import pytest

from tests.browser.chromium import Chromium
from tests.browser.conftest import Sample

PLACES = (
    "/wiring",
    "/pools/web",
    "/pools/images/i",
    "/rules",
    "/requests",
    "/why?url=http://www.example.org/&down=web/a",
    "/connections",
    "/events",
    "/config",
    "/config?look=1",
    "/changes/2",
    "/faults",
    "/access",
    "/schedulers",
    "/drills/r1",
)

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def at(chromium: Chromium, trouble: Sample) -> None:
    """Tests say paths; the browser knows where."""
    if not chromium.run("location.origin").startswith(trouble.origin):
        chromium.go(trouble.origin)


def go(chromium: Chromium, path: str) -> None:
    chromium.go(chromium.run("location.origin") + path)


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("path", PLACES)
def test_each_page_fits_and_the_browser_has_nothing_to_say(chromium: Chromium, path: str, width: int) -> None:
    chromium.view(width, 800, "dark" if width < 500 else "light")
    go(chromium, path)
    assert chromium.run("document.documentElement.scrollWidth") <= width
    assert chromium.complaints() == []
    assert chromium.run("document.querySelectorAll('h1').length") == 1
    elsewhere = "pools" in path or path in {"/access", "/schedulers"}
    assert chromium.run("!document.querySelector('nav.ways [aria-current=page]')") == elsewhere


def test_a_server_is_drained_and_made_ready_again(chromium: Chromium) -> None:
    chromium.view(1280, 800)
    go(chromium, "/pools/web")
    click = """[...document.querySelectorAll('[data-key="{0}"] button')]
        .find(one => one.textContent === '{1}').click()"""
    state = "document.querySelector('tr[data-key=\"web/a\"] .state').textContent"
    assert "drain" not in chromium.run(state)
    chromium.run(click.format("a", "Drain"))
    chromium.until(f"document.readyState === 'complete' && {state}.startsWith('drain')")
    assert chromium.run("location.pathname") == "/pools/web"
    chromium.run(click.format("a", "Ready"))
    chromium.until(f"document.readyState === 'complete' && !{state}.startsWith('drain')")


def test_a_weight_is_forecast_while_it_is_typed_and_kept_while_figures_change(chromium: Chromium) -> None:
    chromium.view(1280, 800)
    go(chromium, "/pools/web")
    field = "document.querySelector('#weight-a')"
    before = chromium.run(f"{field}.parentElement.querySelector('output').textContent")
    chromium.run(f"{field}.value = '60000'; {field}.dispatchEvent(new Event('input', {{bubbles: true}}))")
    share = chromium.run(f"{field}.parentElement.querySelector('output').textContent")
    assert share != before
    assert share.startswith("→ ")
    lasts = "document.querySelector('td .state').textContent"
    chromium.until(f"{lasts} !== {chromium.run(lasts)!r}")
    assert chromium.run(f"{field}.value") == "60000"


def test_the_picture_says_the_same_as_text(chromium: Chromium) -> None:
    chromium.view(1280, 800)
    go(chromium, "/wiring")
    boxes = chromium.run("document.querySelectorAll('svg .box').length")
    lines = chromium.run("document.querySelectorAll('svg path').length")
    assert boxes > 8
    assert lines == chromium.run("document.querySelectorAll('details li').length")

"""The browser's own HTTP/2: pages and WebSockets through the director, inside TLS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.chromium import Chromium, browser, find
from tests.integration.texts import BASE, pool
from tests.support import needs
from tests.support.certificates import make
from tests.support.running import Director, free_port

pytestmark = [
    pytest.mark.integration,
    needs.director,
    pytest.mark.skipif(find() is None, reason="needs chromium (apt install chromium)"),
]

SOCKET = """new Promise((done, failed) => {
    const socket = new WebSocket(`wss://${location.host}/socket`), got = [];
    socket.onmessage = event => {
        got.push(event.data);
        got.length < 2 ? socket.send("hello") : done(got.join());
    };
    socket.onerror = () => failed("refused");
    setTimeout(() => failed("nothing came: " + got), 15000);
})"""


@pytest.fixture(scope="module")
def director(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Director]:
    """Before one of the demo servers, which has a WebSocket, too."""
    folder = tmp_path_factory.mktemp("h2")
    chain, key = make("localhost", "127.0.0.1").write(folder, "shop")
    demo = free_port()
    text = BASE + pool("web", {"s": f"127.0.0.1:{demo}"}) + f"\n[demo:red]\nlisten = 127.0.0.1:{demo}\n"
    text += f"\n[cert:shop]\nfile = {chain}\nkey = {key}\n"
    text += "\n[l7:www]\nlisten = 127.0.0.1:{listen}\npool = web\ntls = shop\n"
    with Director(text, folder, workers="0") as running:
        yield running


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with browser(Path(tmp_path_factory.mktemp("chrome"))) as running:
        running.call("Security.setIgnoreCertificateErrors", ignore=True)
        yield running


def test_a_browser_chooses_http_2(director: Director, chrome: Chromium) -> None:
    chrome.go(f"https://127.0.0.1:{director.port}/page")
    assert chrome.run("performance.getEntriesByType('navigation')[0].nextHopProtocol") == "h2"
    assert "via: 2 scenario" in chrome.run("document.body.innerText").lower()
    pages = "[...Array(40).keys()].map(number => fetch('/' + number).then(page => page.text()))"
    assert chrome.run(f"Promise.all({pages}).then(texts => texts.length)") == 40
    protocols = "performance.getEntriesByType('resource').map(one => one.nextHopProtocol)"
    assert chrome.run(f"[...new Set({protocols})].join()") == "h2"


def test_its_websocket_takes_a_stream_of_the_same_connection(director: Director, chrome: Chromium) -> None:
    """RFC 8441: the browser asks so where the settings of its connection allow it."""
    chrome.go(f"https://127.0.0.1:{director.port}/page")
    chrome.events.clear()
    assert chrome.run(SOCKET).endswith(",hello")
    answered = "Network.webSocketHandshakeResponseReceived"
    told = [one["params"]["response"] for one in chrome.events if one["method"] == answered]
    assert [one["status"] for one in told] == [200]

"""A day of an operator in a real browser, on a real director: each step is seen on the page it is done on.

The tests go on from one another, in the order in which they stand.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

import pytest
from attrs import define, field

from director.cli.client import ApiClient
from tests.browser.chromium import Chromium
from tests.support import needs
from tests.support.running import Director, free_port, wait_until

pytestmark = [pytest.mark.browser, needs.director]

INI = """[director]
name = edge-9
state_dir = {state}
access_log = off
drills = allowed
[admin]
listen = 127.0.0.1:{admin}
[l7:www]
listen = 127.0.0.1:{listen}
pool = web
[pool:web]
scheduler = rr
server.a = 127.0.0.1:RED
server.b = 127.0.0.1:BLUE
retry = off
[demo:a]
listen = 127.0.0.1:RED
[demo:b]
listen = 127.0.0.1:BLUE
[fault:no answer]
server = pool web
do = status 418
ttl = 10m
[drill:short]
service = www
load = 20/s GET /
step 0s = baseline
step 300ms = start no answer
step 600ms = heal
step 900ms = end
expect during = answered >= 1%
"""


@define
class World:
    """A director, and somebody who asks it things."""

    director: Director
    ini: str
    threads: ThreadPoolExecutor = field(factory=lambda: ThreadPoolExecutor(4))
    over: Event = field(factory=Event)
    quiet: Event = field(factory=Event)
    flow: Future[None] = field(factory=Future)

    def ask(self, path: str = "/") -> int:
        """One request; its status."""
        connection = http.client.HTTPConnection(*self.director.place, timeout=30)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()

    def traffic(self) -> None:
        """Requests one after the other, until the end."""
        while not self.over.wait(0.05):
            if not self.quiet.is_set():
                self.ask()

    def loads(self) -> dict[str, int]:
        """What each server has under way."""
        return {one["name"]: one["load"] for one in self.director.api("pools", "web", "servers")}

    @property
    def page(self) -> str:
        """Where the pages are."""
        return f"http://127.0.0.1:{self.director.admin}"


@pytest.fixture(scope="module")
def world(chromium: Chromium, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The browser has signed in with the link that the command gives."""
    ini = INI.replace("RED", str(free_port())).replace("BLUE", str(free_port()))
    with Director(ini, tmp_path_factory.mktemp("operating"), workers="0") as director:
        made = World(director, ini)
        made.flow = made.threads.submit(made.traffic)
        try:
            chromium.view(1280, 900)
            chromium.go(ApiClient(director.state / "control.sock").post("token", "link")["link"])
            yield made
        finally:
            made.over.set()
            made.flow.exception(60)
            made.threads.shutdown(cancel_futures=True)


def text(chromium: Chromium, selector: str) -> str:
    found: str = chromium.run(f"document.querySelector({selector!r})?.textContent ?? ''")
    return found


def sees(chromium: Chromium, words: str, where: str = "main") -> None:
    found = f"document.querySelector({where!r})?.textContent.includes({words!r})"
    chromium.until(f"document.readyState === 'complete' && {found}")


def press(chromium: Chromium, label: str, where: str = "main") -> None:
    """A button, and wait for the page that comes of it."""
    chromium.run("window.before = true")
    buttons = f"[...document.querySelectorAll({where + ' button'!r})]"
    chromium.run(f"{buttons}.find(one => one.textContent === {label!r}).click()")
    chromium.until("window.before === undefined && document.readyState === 'complete'")


def test_signed_in_one_watches_traffic(chromium: Chromium, world: World) -> None:
    assert chromium.run("location.pathname + location.search") == "/", "the secret is not in the address"
    number = 'document.querySelector(\'[data-key="l7:www"] [data-label="Requests"]\').textContent'
    before = chromium.run(number)
    chromium.until(f"{number} !== {before!r}")
    sees(chromium, "All is well", "h1")
    assert chromium.complaints() == []


def test_a_server_that_is_drained_is_seen_to_be_empty_once_its_work_is_done(
    chromium: Chromium, world: World
) -> None:
    ends = Event()
    slow: Future[int] = world.threads.submit(_held, world, ends)
    chromium.go(world.page + "/pools/web")
    try:
        sees(chromium, "1", "tr[data-key='web/a'] [data-label=Load]")
        press(chromium, "Drain", "[data-key=orders] [data-key=a]")
        sees(chromium, "draining, 1 left", "tr[data-key='web/a']")
        sees(chromium, "nothing of it has ended yet", "tr[data-key='web/a']")
    finally:
        ends.set()
        world.quiet.clear()
    sees(chromium, "drained", "tr[data-key='web/a'] .state")
    assert slow.result(30) == 200


def _held(world: World, ends: Event) -> int:
    """A request whose answer server a owes until `ends`, for its body is not all there; nobody else asks."""
    world.quiet.set()
    assert wait_until(lambda: not any(world.loads().values()), 10)
    while True:
        connection = http.client.HTTPConnection(*world.director.place, timeout=60)
        connection.putrequest("POST", "/echo")
        connection.putheader("Content-Length", "2")
        connection.endheaders(b"1")
        assert wait_until(lambda: any(world.loads().values()), 10)
        if world.loads()["a"]:
            break
        connection.close()
        assert wait_until(lambda: not any(world.loads().values()), 10)
    assert ends.wait(60)
    connection.send(b"2")
    status = connection.getresponse().status
    connection.close()
    return status


def test_what_was_changed_is_told_before_and_after_and_taken_back(chromium: Chromium, world: World) -> None:
    chromium.go(world.page + "/events")
    sees(chromium, "server web/a ordered to drain")
    chromium.run("document.querySelector('[data-key=changes] tbody tr a').click()")
    sees(chromium, "Taking it back would now")
    press(chromium, "Take it back")
    chromium.go(world.page + "/pools/web")
    sees(chromium, "up", "tr[data-key='web/a'] .state")


def test_a_broken_file_shows_its_line_with_a_caret_and_changes_nothing(
    chromium: Chromium, world: World
) -> None:
    world.director.write(world.ini.replace("scheduler = rr", "scheduler = roundrobinn"))
    chromium.go(world.page + "/config")
    chromium.run("document.querySelector('a[href*=look]').click()")
    sees(chromium, "A reload would be refused")
    finding = text(chromium, ".finding.error pre")
    line, caret = finding.splitlines()[1:3]
    assert line[caret.index("^") :].startswith("roundrobinn")
    labels = chromium.run("[...document.querySelectorAll('button')].map(one => one.textContent)")
    assert not [one for one in labels if one.startswith("Reload")]


def test_a_reload_on_trial_is_on_every_page_with_the_time_that_is_left(
    chromium: Chromium, world: World
) -> None:
    world.director.write(world.ini.replace("scheduler = rr", "scheduler = wlc"))
    chromium.go(world.page + "/config?look=1")
    sees(chromium, "scheduler")
    sees(chromium, "would go elsewhere")
    press(chromium, "Reload on trial")
    chromium.go(world.page + "/rules")
    sees(chromium, "is on trial")
    left = chromium.run("document.querySelector('[data-left]').textContent")
    chromium.until(f"document.querySelector('[data-left]').textContent !== {left!r}")
    press(chromium, "Take it back now")
    chromium.until("!document.body.textContent.includes('is on trial')")
    assert world.director.api("pools", "web")["scheduler"] == "rr"
    assert world.director.api("config", "confirm")["waiting"] is None


def test_a_fault_is_started_and_stopped(chromium: Chromium, world: World) -> None:
    chromium.go(world.page + "/faults")
    press(chromium, "Start", "[data-key='no answer']")
    sees(chromium, "A fault is injected on purpose")
    assert world.ask() == 418
    chromium.go(world.page)
    sees(chromium, "no answer", ".injected")
    press(chromium, "Stop it", ".injected")
    chromium.until("document.querySelector('.injected') === null")
    assert world.ask() == 200


def test_a_drill_is_watched_until_its_verdict(chromium: Chromium, world: World) -> None:
    chromium.go(world.page + "/faults")
    press(chromium, "Run", "[data-key=short]")
    assert chromium.run("location.pathname") == "/drills/short"
    verdicts = "['PASS', 'FAIL', 'VOID']"
    chromium.until(f"{verdicts}.includes(document.querySelector('main .badge')?.textContent)")
    # On a busy machine the baseline may be sick, and then the drill is void: what counts is that it is told.
    assert text(chromium, "main .badge") == world.director.api("drills", "short")["verdict"].upper()
    assert chromium.run("document.querySelectorAll('.picture circle').length") > 0


def test_when_the_director_stops_the_page_turns_grey_and_says_since_when(
    chromium: Chromium, world: World
) -> None:
    chromium.go(world.page)
    sees(chromium, "Live", "#pulse")
    world.over.set()
    world.flow.result(60)
    world.director.stop()
    sees(chromium, "No answer since", "#pulse")
    assert chromium.run("document.title") == "No answer · edge-9"
    assert chromium.run("getComputedStyle(document.querySelector('main')).filter") == "grayscale(1)"

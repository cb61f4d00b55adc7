from __future__ import annotations

from urllib.parse import urlencode

import pytest

from director.admin.pages.frame import PLACES
from tests.unit.admin import sample
from tests.unit.admin.wire import Admin, Reply

BROWSER = {"Accept": "text/html"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
DRAIN = {"do": "state", "pool": "web", "server": "a", "value": "drain"}


def act(made: Admin, cookie: dict[str, str], **fields: str) -> Reply:
    csrf = next((one.csrf for one in made.authenticator.sessions.living(0.0)), "")
    body = urlencode({"csrf": csrf, **fields}).encode()
    return made.ask("POST", "/act", {**BROWSER, **FORM, **cookie}, body)


@pytest.mark.parametrize(
    "path",
    [
        *(to for to, _ in PLACES),
        "/pools/web",
        "/pools/web/a",
        "/changes/1",
        "/drills/r1",
        "/access",
        "/why",
        "/schedulers",
        "/config?look=1",
        "/?wall=1",
    ],
)
def test_each_page_is_there_for_who_is_in_and_for_nobody_else(path: str) -> None:
    made = Admin(sample.control())
    answer = made.get(path)
    assert answer.status == 200
    assert b"<main" in answer.body
    assert made.ask("GET", path).status == 401


def test_what_is_not_there_is_a_page_for_a_browser_and_json_for_a_program() -> None:
    made = Admin(sample.control())
    for path in ("/pools/nobody", "/pools/web/nobody", "/nowhere"):
        answer = made.ask("GET", path, {**made.sign_in(), **BROWSER})
        assert answer.status == 404
        assert b"<h1>There is no such page</h1>" in answer.body
        assert made.get(path).json["error"]


def test_a_button_gives_the_order_and_shows_the_page_again() -> None:
    made = Admin(sample.control())
    cookie = made.sign_in()
    answer = act(made, cookie, **DRAIN)
    assert (answer.status, answer.headers["Location"]) == (303, "/pools/web")
    assert made.get("/api/v1/pools/web/servers/a").json["state"] == "drain"


def test_a_change_is_taken_back_with_a_button() -> None:
    made = Admin(sample.control())
    cookie = made.sign_in()
    before = made.get("/api/v1/pools/web/servers/a").json["weight"]
    act(made, cookie, do="weight", pool="web", server="a", value=str(before + 6))
    assert made.get("/api/v1/pools/web/servers/a").json["weight"] == before + 6
    newest = made.get("/api/v1/generations").json[0]
    assert act(made, cookie, do="undo", number=str(newest["number"])).headers["Location"] == "/events"
    assert made.get("/api/v1/pools/web/servers/a").json["weight"] == before


def test_a_button_without_the_token_of_its_session_does_nothing() -> None:
    made = Admin(sample.control())
    cookie = made.sign_in()
    assert act(made, cookie, **DRAIN, csrf="guessed").status == 403
    assert act(made, {}, **DRAIN).status == 401
    assert made.get("/api/v1/pools/web/servers/a").json["state"] == "ready"


def test_what_the_order_is_refused_for_is_told_on_a_page() -> None:
    made = Admin(sample.control())
    answer = act(made, made.sign_in(), **{**DRAIN, "server": "nobody"})
    assert answer.status == 404
    assert b'role="alert"' in answer.body


def test_what_is_not_remembered_any_more_says_so_on_a_page() -> None:
    made = Admin(sample.control())
    for path in ("/changes/99", "/drills/none", "/requests/none"):
        answer = made.get(path)
        assert answer.status == 404
        assert b"not remembered" in answer.body


def test_a_reload_on_trial_is_on_every_page_until_it_is_confirmed() -> None:
    made = Admin(sample.control())
    cookie = made.sign_in()
    act(made, cookie, do="reload", within="60s", guard="off")
    for path in ("/", "/rules", "/pools/web"):
        body = made.ask("GET", path, {**BROWSER, **cookie}).body
        assert b"is on trial" in body
        assert b'value="confirm"' in body
    assert act(made, cookie, do="confirm").headers["Location"] == "/config"
    assert b"is on trial" not in made.get("/").body


def test_what_another_changed_meanwhile_is_told_and_nothing_is_done() -> None:
    made = Admin(sample.control())
    cookie = made.sign_in()
    seen = made.get("/api/v1/pools/web").headers["ETag"]
    act(made, cookie, **DRAIN)
    answer = act(made, cookie, do="reload", seen=seen)
    assert answer.status == 412
    assert b"Somebody else changed it" in answer.body
    assert b"server web/a ordered to drain" in answer.body


def test_a_fault_is_started_seen_on_every_page_and_stopped_with_buttons() -> None:
    made = Admin(sample.control())
    cookie = made.sign_in()
    assert act(made, cookie, do="start fault", name="slow", ttl="30s").headers["Location"] == "/faults"
    assert b"A fault is injected on purpose" in made.get("/rules").body
    act(made, cookie, do="stop fault", fault="slow")
    assert b"A fault is injected" not in made.get("/rules").body


def test_a_drill_is_run_with_a_button_that_leads_to_its_sheet() -> None:
    made = Admin(sample.control())
    cookie = made.sign_in()
    answer = act(made, cookie, do="run drill", name="two hang", seed="7")
    assert (answer.status, answer.headers["Location"]) == (303, "/drills/two%20hang")
    assert made.get("/api/v1/drills/r2").json["seed"] == 7


def test_a_session_is_ended_with_a_button() -> None:
    made = Admin(sample.control())
    cookie, other = made.sign_in_as("root", "all"), made.sign_in_as("eve", "look")
    body = made.ask("GET", "/access", {**BROWSER, **cookie}).body
    assert body.count(b'value="end session"') == 2
    shown = next(one["id"] for one in made.get("/api/v1/sessions").json if one["user"] == "eve")
    csrf = next(one.csrf for one in made.authenticator.sessions.living(0.0) if one.standing.user == "root")
    body = urlencode({"csrf": csrf, "do": "end session", "id": shown}).encode()
    assert made.ask("POST", "/act", {**BROWSER, **FORM, **cookie}, body).status == 303
    assert made.ask("GET", "/", {**BROWSER, **other}).status == 401


def test_who_only_looks_sees_their_own_sessions_and_no_tokens() -> None:
    made = Admin(sample.control())
    made.sign_in_as("root", "all")
    body = made.ask("GET", "/access", {**BROWSER, **made.sign_in_as("eve", "look")}).body
    assert b"root" not in body
    assert b"API tokens" not in body


def test_what_would_become_of_a_request_is_decided_and_told() -> None:
    control = sample.control()
    sample.trouble(control)
    made = Admin(control)
    query = urlencode({"url": "http://www.example.org/x", "header": "Cookie: sid=7", "down": "web/a, web/s"})
    body = made.get(f"/why?{query}").body.decode()
    (asked,) = control.asked
    assert (asked.method, asked.url, asked.down) == ("GET", "http://www.example.org/x", ("web/a", "web/s"))
    assert asked.headers == (("Cookie", "sid=7"),)
    assert "local 127.0.0.1:8099" in body, "the fault path of the newest trace, which memory answers with"


def test_what_cannot_be_decided_says_why() -> None:
    made = Admin(sample.control())
    answer = made.get("/why?" + urlencode({"url": "http://x/", "client": "nowhere"}))
    assert answer.status == 200
    assert b'role="alert"' in answer.body

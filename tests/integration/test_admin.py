"""The admin of a real director: what no test in memory can tell.

One director serves all; each test leaves it as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlencode

import pytest

from director.cli.commands.passwd import section
from tests.integration.texts import web
from tests.support import needs
from tests.support.admin_client import AdminClient
from tests.support.client import fetch
from tests.support.running import Director, wait_until
from tests.support.schemas import misfits
from tests.support.sse import Said, said

pytestmark = [pytest.mark.integration, needs.director]


INI = web({"a": "127.0.0.1:9", "b": "127.0.0.2:9"}) + "".join(
    section(name, name, f"{name} {name} {name}") for name in ("viewer", "operator", "admin")
)
"""A user for each role, as `director passwd` makes them."""


@pytest.fixture(scope="module")
def director(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Director]:
    folder: Path = tmp_path_factory.mktemp("admin")
    with Director(INI, folder) as running:
        yield running


@pytest.fixture(params=["TCP", "socket"])
def client(request: pytest.FixtureRequest, director: Director) -> AdminClient:
    """Somebody who may do everything, by either way."""
    return (
        AdminClient(director, socket=True) if request.param == "socket" else AdminClient.with_token(director)
    )


def heard(answer: HTTPResponse, word: str) -> list[Said]:
    """What a stream says until it says `word`; a time-out of the connection ends the wait."""
    data = b""
    while word.encode() not in data or not data.endswith(b"\n\n"):
        data += answer.readline()
    return said(data)


def test_events_are_heard_as_they_happen_and_resumed_where_they_were_left(client: AdminClient) -> None:
    server = "/api/v1/pools/web/servers/a"
    with client.open("GET", "/api/v1/events") as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        client.ask("PATCH", server, {"weight": 5})
        last = heard(stream, "weight=5")[-1]
    client.ask("PATCH", server, {"weight": 6})
    client.ask("PATCH", server, {"weight": 1})
    with client.open("GET", "/api/v1/events", Last_Event_ID=last.identifier) as again:
        found = heard(again, "weight=1")
    assert [one.kind for one in found] == ["message"] * 2
    assert "weight=6" in found[0].data
    listed = client.get(f"events?after={last.identifier}").json
    assert [str(one["id"]) for one in listed] == [one.identifier for one in reversed(found)]


def test_what_the_running_program_answers_is_what_it_describes(director: Director) -> None:
    client = AdminClient.with_token(director)
    whole = client.ask("GET", "/openapi.json").json
    values = {"pool": "web", "server": "a", "service": "l7:www", "number": "1"}
    for place, methods in whole["paths"].items():
        responses = methods.get("get", {}).get("responses", {})
        if "application/json" not in responses.get("200", {}).get("content", {}):
            continue
        here = re.sub(r"{(\w+)}", lambda found: values.get(found[1], "none"), place)
        told = client.ask("GET", here, Accept="application/json")
        described = responses[str(told.status)]["content"]["application/json"]["schema"]
        assert told.status in {200, 404, 503}, place
        assert list(misfits(told.json, described, whole)) == [], place
    explain = whole["paths"]["/api/v1/explain"]["post"]["responses"]["200"]["content"]["application/json"]
    for question in ({"url": "http://a.example/"}, {"url": "http://a.example/", "down": ["web/a"]}):
        told = client.ask("POST", "/api/v1/explain", question)
        assert (told.status, list(misfits(told.json, explain["schema"], whole))) == (200, [])


def signed_in(director: Director, name: str, password: str = "") -> AdminClient | None:
    """A browser of a user, or None when it is not let in."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = urlencode({"user": name, "password": password or f"{name} {name} {name}"}).encode()
    told = AdminClient(director, form).ask("POST", "/login", body)
    cookie = told.headers.get("Set-Cookie", "")
    assert (told.status == 303) is ("HttpOnly; SameSite=Strict" in cookie)
    return AdminClient(director, {"Cookie": cookie.partition(";")[0]}) if told.status == 303 else None


def test_users_sign_in_with_their_passwords_until_a_reload_takes_them_out(director: Director) -> None:
    client = AdminClient.with_token(director)
    operator = signed_in(director, "operator")
    assert operator is not None
    assert signed_in(director, "operator", "viewer viewer viewer") is None
    assert signed_in(director, "nobody") is None
    assert operator.get("sessions").json[0]["user"] == "operator"
    page = operator.ask("GET", "/").body.decode()
    csrf = page.partition('name="csrf" content="')[2].partition('"')[0]
    assert operator.ask("PATCH", "/api/v1/pools/web/servers/b", {"weight": 2}).status == 403
    ordered = operator.ask("PATCH", "/api/v1/pools/web/servers/b", {"weight": 2}, X_CSRF_Token=csrf)
    assert ordered.status == 200
    made = client.get("generations?limit=1").json[0]
    assert (made["author"], made["from"]) == ("operator", "127.0.0.1")
    assert made["changes"] == [{"what": "server web/b", "before": {"weight": 1}, "after": {"weight": 2}}]
    assert operator.ask("POST", f"/api/v1/generations/{made['number']}/undo", X_CSRF_Token=csrf).status == 200
    without = INI.partition("[user:operator]")
    director.write(without[0] + "[user:admin]" + without[2].partition("[user:admin]")[2])
    try:
        assert client.ask("POST", "/api/v1/config/reload").status == 200
        assert operator.get("sessions").status == 401
        assert signed_in(director, "operator") is None
        assert signed_in(director, "viewer") is not None
    finally:
        director.write(INI)
        assert client.ask("POST", "/api/v1/config/reload").status == 200


def known(client: AdminClient) -> int:
    """Rows of the last hour in which something is known of the pool."""
    told = client.get("history?of=web")
    return sum(one is not None for one in told.json["series"]["web"]["eligible"]) if told.status == 200 else 0


def test_a_token_of_a_user_and_the_hour_outlive_a_restart_and_no_text_is_kept(director: Director) -> None:
    client = AdminClient.with_token(director)
    made = client.ask("POST", "/api/v1/tokens", {"user": "operator", "role": "viewer", "expires": "1h"})
    assert made.status == 201
    program = AdminClient(director, {"Authorization": f"Bearer {made.json['token']}"})
    assert program.get("pools").status == 200
    assert wait_until(lambda: known(program) > 0, 20)
    assert director.stop() == 0
    director.start()
    assert program.get("pools").status == 200
    assert known(program) > 0
    assert program.ask("PATCH", "/api/v1/pools/web/servers/b", {"weight": 2}).status == 403
    kept = [path.read_bytes() for path in director.state.iterdir() if path.is_file()]
    assert kept
    assert not any(made.json["token"].encode() in one for one in kept)
    assert client.ask("DELETE", made.headers["Location"]).status == 204
    assert program.get("pools").status == 401


def weight(client: AdminClient, server: str) -> int:
    return int(client.get(f"pools/web/servers/{server}").json["weight"])


def test_a_reload_that_nobody_confirms_is_undone_and_what_was_ordered_meanwhile_stays(
    director: Director,
) -> None:
    client = AdminClient.with_token(director)
    other = INI.replace("server.a = 127.0.0.1:9", "server.a = 127.0.0.1:9 weight=8")
    fetch(director.place, b"GET /moved HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")
    director.write(other + "\n[rule:10 moved]\nservice = www\nwhen = path = /moved\nrespond = 404\n")
    try:
        (moved,) = client.ask("POST", "/api/v1/config/reload?dry_run=1").json["moved"]
        assert (moved["target"], moved["before"]["pool"]) == ("/moved", "web")
        assert (moved["after"]["rule"], moved["after"]["status"]) == ("10 moved", 404)
        director.write(other)
        rehearsed = client.ask("POST", "/api/v1/config/reload?dry_run=1").json
        assert rehearsed["moved"] == []
        assert rehearsed["changes"] == [
            {"what": "server web/a", "before": {"weight": 1}, "after": {"weight": 8}}
        ]
        told = client.ask("POST", "/api/v1/config/reload?confirm=2s").json
        assert told["confirm"]["generation"] == told["generation"]
        assert told["changes"] == rehearsed["changes"]
        assert weight(client, "a") == 8
        client.ask("PATCH", "/api/v1/pools/web/servers/b", {"weight": 3})
        assert wait_until(lambda: weight(client, "a") == 1, 20)
        assert weight(client, "b") == 3
        undone = client.get("generations?limit=1").json[0]
        assert undone["author"] == "commit-confirm"
        assert client.ask("POST", "/api/v1/config/confirm").status == 409
        told = client.ask("POST", "/api/v1/config/reload?confirm=2s").json
        assert client.ask("POST", "/api/v1/config/confirm").json == {"confirmed": told["generation"]}
        assert weight(client, "a") == 8
        # What was confirmed can be taken back all the same, and after a restart, too.
        assert director.stop() == 0
        director.start()
        assert weight(client, "a") == 8
        undo = client.ask("POST", f"/api/v1/generations/{told['generation']}/undo")
        assert (undo.status, weight(client, "a"), weight(client, "b")) == (200, 1, 3)
    finally:
        client.ask("PATCH", "/api/v1/pools/web/servers/b", {"weight": 1})
        director.write(INI)
        assert client.ask("POST", "/api/v1/config/reload").status == 200
        assert client.get("config/confirm").json == {"waiting": None}

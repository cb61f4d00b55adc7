from __future__ import annotations

import itertools

import pytest
from attrs import evolve

from director.admin.answers import Refusal
from director.admin.authenticator import Authenticator, Credentials, form
from director.admin.routes import ROUTES
from director.admin.sessions import FAILURES, Sessions

TOKEN = "right" * 9
BY_NAME = {route.name: route for route in ROUTES}
READ, WRITE, LOGIN, LOGOUT = (BY_NAME[name] for name in ("pools", "change_server", "login", "logout"))
VISIT = Credentials("GET", "127.0.0.1", 0.0, host="127.0.0.1:8404")
BEARER = evolve(VISIT, authorization=f"Bearer {TOKEN}")
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


def authenticator() -> Authenticator:
    numbers = itertools.count(1)
    return Authenticator(TOKEN, Sessions(lambda: f"id{next(numbers)}"))


def status(found: Authenticator, route: object, credentials: Credentials) -> int:
    try:
        found.admit(route, credentials)  # type: ignore[arg-type]
    except Refusal as refusal:
        return refusal.status
    return 200


def signed(found: Authenticator) -> Credentials:
    answer = found.login_page(TOKEN, VISIT)
    cookie = dict(answer.headers)["Set-Cookie"]
    return evolve(VISIT, cookie=cookie.partition(";")[0].partition("=")[2])


def test_strangers_get_401_with_a_challenge() -> None:
    with pytest.raises(Refusal) as caught:
        authenticator().admit(READ, VISIT)
    assert caught.value.status == 401
    assert dict(caught.value.headers) == {"WWW-Authenticate": 'Bearer realm="director"'}


@pytest.mark.parametrize(
    ("sent", "wanted"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer  {TOKEN}", 200),
        ("Bearer wrong", 401),
        ("Bearer", 401),
        ("Bearer ", 401),
        (f"Basic {TOKEN}", 401),
        (TOKEN, 401),
        (f"Bearer {TOKEN}x", 401),
        (f"Bearer {TOKEN[:-1]}", 401),
    ],
)
def test_the_token_must_be_right(sent: str, wanted: int) -> None:
    assert status(authenticator(), READ, evolve(VISIT, authorization=sent)) == wanted


def test_a_wrong_token_is_not_excused_by_a_session() -> None:
    found = authenticator()
    assert status(found, READ, evolve(signed(found), authorization="Bearer wrong")) == 401


def test_the_sign_in_makes_a_strict_cookie_and_hides_the_token() -> None:
    answer = authenticator().login_page(TOKEN, VISIT)
    headers = dict(answer.headers)
    assert (answer.status, headers["Location"]) == (303, "/")
    assert "HttpOnly" in headers["Set-Cookie"]
    assert "SameSite=Strict" in headers["Set-Cookie"]
    assert TOKEN not in headers["Set-Cookie"]
    assert "Secure" not in headers["Set-Cookie"]
    secure = authenticator().login_page(TOKEN, evolve(VISIT, scheme="https"))
    assert dict(secure.headers)["Set-Cookie"].endswith("; Secure")


def test_the_id_changes_at_each_sign_in_and_the_old_one_is_dead() -> None:
    found = authenticator()
    first = signed(found)
    answer = found.login_page(TOKEN, first)
    assert first.cookie not in dict(answer.headers)["Set-Cookie"]
    assert status(found, READ, first) == 401
    assert status(found, READ, evolve(VISIT, cookie="fixed-by-somebody")) == 401


def test_a_wrong_sign_in_is_403_then_429() -> None:
    found = authenticator()
    seen = [found.login(evolve(VISIT, body=b"token=wrong")).status for _ in range(FAILURES + 2)]
    assert seen == [403] * FAILURES + [429] * 2
    assert found.login(evolve(VISIT, address="127.0.0.2", body=f"token={TOKEN}".encode())).status == 303
    assert found.counted["sign_ins_refused"] == FAILURES + 2


def test_the_brake_also_holds_for_the_api() -> None:
    found = authenticator()
    wrong = evolve(VISIT, authorization="Bearer wrong")
    assert [status(found, READ, wrong) for _ in range(FAILURES + 1)] == [401] * FAILURES + [429]
    assert status(found, READ, BEARER) == 200, "the operator is never locked out"


def test_signing_out_ends_the_session() -> None:
    found = authenticator()
    credentials = signed(found)
    answer = found.logout(credentials)
    assert "Max-Age=0" in dict(answer.headers)["Set-Cookie"]
    assert status(found, READ, credentials) == 401


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({}, 403),
        ({"csrf": "id9"}, 403),
        ({"csrf": "id2"}, 200),
        ({"csrf": "id2", "origin": "http://127.0.0.1:8404"}, 200),
        ({"csrf": "id2", "origin": "http://evil.example"}, 403),
        ({"csrf": "id2", "origin": "null"}, 403),
        ({"csrf": "id2", "fetch_site": "cross-site"}, 403),
        ({"csrf": "id2", "fetch_site": "same-site"}, 403),
        ({"csrf": "id2", "content_type": "text/plain"}, 415),
        ({"csrf": "id2", "content_type": FORM}, 415),
        ({"csrf": "id2", "origin": "https://127.0.0.1:8404"}, 403),
    ],
)
def test_writes_of_a_browser(change: dict[str, str], wanted: int) -> None:
    found = authenticator()
    credentials = evolve(signed(found), method="PATCH", content_type=JSON)
    assert status(found, WRITE, evolve(credentials, **change)) == wanted  # type: ignore[arg-type]


def test_a_foreign_page_cannot_use_the_token_either() -> None:
    credentials = evolve(BEARER, method="PATCH", content_type=JSON, origin="http://evil.example")
    assert status(authenticator(), WRITE, credentials) == 403


def test_the_form_carries_the_csrf_token() -> None:
    found = authenticator()
    credentials = evolve(signed(found), method="POST", content_type=FORM)
    assert status(found, LOGOUT, evolve(credentials, body=b"csrf=id2")) == 200
    assert status(found, LOGOUT, evolve(credentials, body=b"csrf=id1")) == 403
    assert status(found, LOGOUT, credentials) == 403


def test_the_sign_in_form_is_our_own() -> None:
    credentials = evolve(VISIT, method="POST", content_type=FORM)
    assert status(authenticator(), LOGIN, credentials) == 200
    assert status(authenticator(), LOGIN, evolve(credentials, origin="http://evil.example")) == 403


def test_the_control_socket_needs_no_token() -> None:
    credentials = evolve(VISIT, method="PATCH", peer="uid 0 on the control socket", content_type=JSON)
    principal = authenticator().admit(WRITE, credentials)
    assert principal is not None
    assert principal.author == "uid 0 on the control socket"


@pytest.mark.parametrize("body", [b"a=" + b"x" * 5000, b"&".join([b"a=1"] * 20), b"\xff"])
def test_strange_forms_are_refused(body: bytes) -> None:
    with pytest.raises(Refusal):
        form(body)

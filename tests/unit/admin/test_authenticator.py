from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred, execute

from director.admin.answers import Answer, Refusal
from director.admin.authenticator import Accounts, Authenticator, Credentials
from director.admin.passwords import PasswordCheck
from director.admin.routes import ROUTES
from director.admin.sessions import FAILURES, LINK_SECONDS, LINKS, Links, Sessions
from director.admin.tokens import Tokens
from director.model.settings import User
from tests.unit.admin.wire import plain_look

TOKEN = "right" * 9
BY_NAME = {route.name: route for route in ROUTES}
READ, WRITE, LOGIN, LOGOUT = (BY_NAME[name] for name in ("pools", "change_server", "login", "logout"))
VISIT = Credentials("GET", "127.0.0.1", 0.0, host="127.0.0.1:8404")
BEARER = evolve(VISIT, authorization=f"Bearer {TOKEN}")
OWN = "http://127.0.0.1:8404"
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


def accounts(*users: User) -> Accounts:
    who = lambda: users  # noqa: E731
    tokens = Tokens(Path("/dev/null/nowhere"), who, lambda: "secret", lambda: 0.0)
    return Accounts(who, tokens, PasswordCheck(execute, plain_look))


def authenticator() -> Authenticator:
    numbers = itertools.count(1)
    make_id = lambda: f"id{next(numbers)}"  # noqa: E731
    return Authenticator(TOKEN, Sessions(make_id), Links(lambda: f"link{next(numbers)}"), accounts())


def status(found: Authenticator, route: object, credentials: Credentials) -> int:
    try:
        found.admit(route, credentials)  # type: ignore[arg-type]
    except Refusal as refusal:
        return refusal.status
    return 200


def login(found: Authenticator, visit: Credentials, body: str) -> Answer:
    """What the form answers, in whatever way it comes."""
    told: list[Answer] = []
    answer = found.login(evolve(visit, body=body.encode()))
    answer.addCallback(told.append) if isinstance(answer, Deferred) else told.append(answer)
    return told[0]


def signed(found: Authenticator) -> Credentials:
    answer = login(found, VISIT, f"token={TOKEN}")
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
    found = authenticator()
    answer = found.login_page(found.links.make(0.0), VISIT)
    headers = dict(answer.headers)
    assert (answer.status, headers["Location"]) == (303, "/")
    assert "HttpOnly" in headers["Set-Cookie"]
    assert "SameSite=Strict" in headers["Set-Cookie"]
    assert TOKEN not in headers["Set-Cookie"]
    assert "Secure" not in headers["Set-Cookie"]
    secure = found.login_page(found.links.make(0.0), evolve(VISIT, scheme="https"))
    assert dict(secure.headers)["Set-Cookie"].endswith("; Secure")


def test_the_id_changes_at_each_sign_in_and_the_old_one_is_dead() -> None:
    found = authenticator()
    first = signed(found)
    answer = found.login_page(found.links.make(0.0), first)
    assert first.cookie not in dict(answer.headers)["Set-Cookie"]
    assert status(found, READ, first) == 401
    assert status(found, READ, evolve(VISIT, cookie="fixed-by-somebody")) == 401


def test_a_wrong_sign_in_is_403_then_429() -> None:
    found = authenticator()
    seen = [login(found, VISIT, "token=wrong").status for _ in range(FAILURES + 2)]
    assert seen == [403] * FAILURES + [429] * 2
    assert login(found, evolve(VISIT, address="127.0.0.2"), f"token={TOKEN}").status == 303
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
        ({"csrf": "id2", "origins": (OWN,)}, 200),
        ({"csrf": "id2", "origins": ("http://evil.example",)}, 403),
        ({"csrf": "id2", "origins": (OWN, "http://evil.example")}, 403),
        ({"csrf": "id2", "origins": ("http://evil.example", OWN)}, 403),
        ({"csrf": "id2", "origins": (OWN, OWN)}, 403),
        ({"csrf": "id2", "origins": ("",)}, 403),
        ({"csrf": "id2", "origins": ("null",)}, 403),
        ({"csrf": "id2", "fetch_sites": ("same-origin",)}, 200),
        ({"csrf": "id2", "fetch_sites": ("none",)}, 200),
        ({"csrf": "id2", "fetch_sites": ("cross-site",)}, 403),
        ({"csrf": "id2", "fetch_sites": ("same-site",)}, 403),
        ({"csrf": "id2", "fetch_sites": ("",)}, 403),
        ({"csrf": "id2", "fetch_sites": ("same-origin", "cross-site")}, 403),
        ({"csrf": "id2", "fetch_sites": ("same-origin", "same-origin")}, 403),
        ({"csrf": "id2", "content_type": "text/plain"}, 415),
        ({"csrf": "id2", "content_type": FORM}, 415),
        ({"csrf": "id2", "origins": ("https://127.0.0.1:8404",)}, 403),
    ],
)
def test_writes_of_a_browser(change: dict[str, Any], wanted: int) -> None:
    found = authenticator()
    credentials = evolve(signed(found), method="PATCH", content_type=JSON)
    assert status(found, WRITE, evolve(credentials, **change)) == wanted


def test_a_foreign_page_cannot_use_the_token_either() -> None:
    credentials = evolve(BEARER, method="PATCH", content_type=JSON)
    for foreign in (
        {"origins": ("http://evil.example",)},
        {"origins": (OWN, OWN)},
        {"fetch_sites": ("a", "b")},
    ):
        assert status(authenticator(), WRITE, evolve(credentials, **foreign)) == 403
    assert status(authenticator(), WRITE, credentials) == 200


def test_the_form_carries_the_csrf_token() -> None:
    found = authenticator()
    credentials = evolve(signed(found), method="POST", content_type=FORM)
    assert status(found, LOGOUT, evolve(credentials, body=b"csrf=id2")) == 200
    assert status(found, LOGOUT, evolve(credentials, body=b"csrf=id1")) == 403
    assert status(found, LOGOUT, credentials) == 403


def test_the_sign_in_form_is_our_own() -> None:
    credentials = evolve(VISIT, method="POST", content_type=FORM)
    assert status(authenticator(), LOGIN, credentials) == 200
    assert status(authenticator(), LOGIN, evolve(credentials, origins=("http://evil.example",))) == 403
    assert status(authenticator(), LOGIN, evolve(credentials, origins=(OWN, OWN))) == 403


def test_the_control_socket_needs_no_token() -> None:
    credentials = evolve(VISIT, method="PATCH", peer="uid 0 on the control socket", content_type=JSON)
    principal = authenticator().admit(WRITE, credentials)
    assert principal is not None
    assert principal.author == "uid 0 on the control socket"


def test_a_link_signs_in_once() -> None:
    found = authenticator()
    secret = found.links.make(0.0)
    assert found.login_page(secret, VISIT).status == 303
    again = found.login_page(secret, VISIT)
    assert (again.status, "Set-Cookie" in dict(again.headers)) == (403, False)
    assert b"director token link" in again.body


def test_a_link_that_was_used_leads_on_who_is_in() -> None:
    found = authenticator()
    inside = signed(found)
    again = found.login_page("used", inside)
    assert (again.status, "Set-Cookie" in dict(again.headers)) == (303, False)
    assert found.login_page("used", evolve(inside, cookie="unknown")).status == 403


def test_a_link_is_too_old_after_its_time() -> None:
    found = authenticator()
    fresh, old = found.links.make(1.0), found.links.make(0.0)
    late = evolve(VISIT, now=LINK_SECONDS + 1.0)
    assert found.login_page(fresh, late).status == 303
    assert found.login_page(old, late).status == 403


def test_looking_at_a_link_does_not_use_it() -> None:
    """RFC 9110 9.3.2: HEAD is for who wants to know, such as a chat that shows previews."""
    found = authenticator()
    secret = found.links.make(0.0)
    assert found.login_page(secret, evolve(VISIT, method="HEAD")).status == 200
    assert found.login_page(secret, VISIT).status == 303


def test_the_token_itself_is_no_link() -> None:
    assert authenticator().login_page(TOKEN, VISIT).status == 403


def test_wrong_links_are_braked() -> None:
    found = authenticator()
    seen = [found.login_page("wrong", VISIT).status for _ in range(FAILURES + 1)]
    assert seen == [403] * FAILURES + [429]


def test_only_so_many_links_wait() -> None:
    found = authenticator()
    first, *rest = (found.links.make(0.0) for _ in range(LINKS + 1))
    assert len(found.links) == LINKS
    assert not found.links.take(first, 0.0)
    assert all(found.links.take(one, 0.0) for one in rest)


def test_another_token_signs_everybody_out() -> None:
    found = authenticator()
    credentials, secret = signed(found), found.links.make(0.0)
    found.take_token("left" * 9)
    assert status(found, READ, credentials) == 401
    assert status(found, READ, BEARER) == 401
    assert found.login_page(secret, VISIT).status == 403
    assert status(found, READ, evolve(VISIT, authorization=f"Bearer {'left' * 9}")) == 200

"""Who may do what: every route by every role, and what ends when a user changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from director.admin.accounts import ADMIN, ROLES
from director.admin.route import OPEN, ApiRoute
from director.admin.routes import ROUTES
from director.admin.sessions import FAILURES
from director.model.settings import User
from director.registry.changes import plan
from tests.unit.admin.test_resource import GOOD, ask, path
from tests.unit.admin.wire import JSON, TOKEN, Admin, Reply

OPERATORS = frozenset(
    {
        "change_server", "zero", "zero_all", "undo", "check_config", "check_now",
        "start_fault", "stop_fault", "run_drill", "stop_drill",
    }
)  # fmt: skip
"""What needs an operator: drain, weigh and drill, in the words of the schema."""
ADMINS = frozenset(
    {
        "add_pool", "change_pool", "remove_pool", "add_server", "remove_server",
        "add_service", "change_service", "remove_service", "add_rule", "change_rule", "remove_rule",
        "change_layer4", "changes", "reload", "confirm", "upgrade",
        "make_link", "rotate_token", "tokens", "add_token", "remove_token",
    }
)  # fmt: skip
"""What needs an admin: what exists, and who may come in."""


def allowed(route: ApiRoute, role: str) -> bool:
    if route.name in ADMINS:
        return role == "admin"
    return route.name not in OPERATORS or role in {"operator", "admin"}


def bearer(made: Admin, user: str, role: str = "") -> dict[str, str]:
    found = next(one for one in made.control.users() if one.name == user)
    text = made.accounts.tokens.make(user, role or found.role, 0.0, "", "test")[1]
    return {"Authorization": f"Bearer {text}"}


@pytest.mark.parametrize("user", ["eve", "ops", "root"])
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_each_role_may_what_it_may_and_nothing_else(route: ApiRoute, user: str) -> None:
    made = Admin()
    role = next(one.role for one in made.control.users() if one.name == user)
    reply = ask(route, bearer(made, user), made)
    if route.name == "undo" and role == "operator":
        assert reply.status in {403, 404}, "what is another's; see below"
    elif allowed(route, role):
        assert reply.status != 403, reply
    else:
        assert reply.status == 403
        assert route.access in reply.json["error"]
        assert len(made.control.registry.generations) == 1
    if route.access == OPEN:
        assert allowed(route, role)


def reconfigure(made: Admin, *users: User) -> None:
    now = made.control.registry.configuration
    made.control.registry.apply(plan(now, evolve(now, users=users)), "reload", 0.0, 0.0)


def order(made: Admin, headers: dict[str, str], weight: int) -> Reply:
    body = f'{{"weight": {weight}}}'.encode()
    return made.ask("PATCH", "/api/v1/pools/web/servers/a", {**headers, **JSON}, body)


def test_a_user_signs_in_by_name_and_is_named_in_what_they_change() -> None:
    made = Admin()
    cookie = made.sign_in_as("ops", "weigh", "127.0.0.7")
    sessions = made.ask("GET", "/api/v1/sessions", cookie).json
    assert [(one["user"], one["role"], one["from"], one["current"]) for one in sessions] == [
        ("ops", "operator", "127.0.0.7", True)
    ]
    csrf = made.authenticator.sessions.living(0.0)[0].csrf
    assert order(made, cookie, 9).status == 403
    assert order(made, {**cookie, "X-CSRF-Token": csrf}, 9).status == 200
    (newest, *_) = made.get("/api/v1/generations").json
    assert (newest["author"], newest["from"]) == ("ops", "127.0.0.1")
    assert newest["changes"] == [{"what": "server web/a", "before": {"weight": 2}, "after": {"weight": 9}}]


@pytest.mark.parametrize(
    ("user", "password"),
    [("ops", "wrong"), ("ops", ""), ("nobody", "weigh"), ("OPS", "weigh"), ("x' or 1=1", "")],
)
def test_a_wrong_name_and_a_wrong_password_look_the_same(user: str, password: str) -> None:
    made = Admin()
    fields = {"Content-Type": "application/x-www-form-urlencoded"}
    one = made.ask("POST", "/login", fields, f"user={user}&password={password}".encode())
    other = made.ask("POST", "/login", fields, b"user=ops&password=another")
    assert (one.status, one.body) == (403, other.body)
    assert "Set-Cookie" not in one.headers


def test_guessing_is_stopped_before_the_password_is_looked_at() -> None:
    made = Admin()
    fields = {"Content-Type": "application/x-www-form-urlencoded"}
    guess = lambda word, address="127.0.0.1": made.ask(  # noqa: E731
        "POST", "/login", fields, f"user=ops&password={word}".encode(), address
    )
    assert [guess("wrong").status for _ in range(FAILURES + 1)] == [403] * FAILURES + [429]
    stopped = guess("weigh")
    assert (stopped.status, "Retry-After" in stopped.headers) == (429, True)
    assert guess("weigh", "127.0.0.9").status == 303, "from elsewhere the right one is right"
    assert all(guess("weigh", "127.0.0.9").status == 303 for _ in range(2 * FAILURES)), (
        "what is right costs nothing"
    )


@pytest.mark.parametrize(
    ("users", "status"),
    [
        ((User("ops", "$weigh", "operator"), User("eve", "$look")), 200),
        ((User("ops", "$weigh", "admin"),), 200),
        ((User("ops", "$other", "operator"),), 401),
        ((User("ops", "$weigh", "viewer"),), 401),
        ((User("eve", "$look"),), 401),
    ],
    ids=["another user", "raised", "another password", "lowered", "removed"],
)
def test_a_reload_that_changes_a_user_ends_their_sessions(users: tuple[User, ...], status: int) -> None:
    made = Admin()
    cookie = made.sign_in_as("ops", "weigh")
    reconfigure(made, *users)
    assert made.ask("GET", "/api/v1/pools", cookie).status == status
    assert len(made.authenticator.sessions) == (1 if status == 200 else 0)


def test_a_token_does_what_its_role_lets_it_and_ends_with_its_user() -> None:
    made = Admin()
    reply = made.send(
        "POST", "/api/v1/tokens", {"user": "ops", "role": "viewer", "expires": "30d", "note": "CI"}
    )
    assert reply.status == 201
    told = reply.json
    assert reply.headers["Location"] == f"/api/v1/tokens/{told['id']}"
    assert (told["role"], told["note"], told["by"]) == ("viewer", "CI", "the admin token")
    headers = {"Authorization": f"Bearer {told['token']}"}
    assert made.ask("GET", "/api/v1/pools", headers).status == 200
    assert order(made, headers, 3).status == 403
    (listed,) = made.get("/api/v1/tokens").json
    assert listed == {key: value for key, value in told.items() if key != "token"}
    reconfigure(made, User("root", "$all", "admin"))
    assert made.ask("GET", "/api/v1/pools", headers).status == 401


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ({}, "user"),
        ({"user": "nobody"}, "user"),
        ({"user": "ops", "role": "admin"}, "role"),
        ({"user": "ops", "role": "king"}, "role"),
        ({"user": "ops", "expires": "30"}, "expires"),
        ({"user": "ops", "expires": "0s"}, "expires"),
        ({"user": "ops", "note": "x" * 101}, "note"),
        ({"user": "ops", "rolle": "viewer"}, "rolle"),
    ],
)
def test_a_token_that_cannot_be_is_refused_with_the_field(body: dict[str, Any], at: str) -> None:
    made = Admin()
    reply = made.send("POST", "/api/v1/tokens", body)
    assert (reply.status, reply.json["at"]) == (400, at)
    assert made.get("/api/v1/tokens").json == []


def test_one_ends_ones_own_sessions_and_an_admin_those_of_all() -> None:
    made = Admin()
    eve, ops = made.sign_in_as("eve", "look"), made.sign_in_as("ops", "weigh")
    every = {one["user"]: one["id"] for one in made.get("/api/v1/sessions").json}
    assert set(every) == {"eve", "ops"}
    csrf = {one.standing.user: one.csrf for one in made.authenticator.sessions.living(0.0)}
    own = made.ask("GET", "/api/v1/sessions", eve).json
    assert [one["id"] for one in own] == [every["eve"]]
    as_eve = {**eve, "X-CSRF-Token": csrf["eve"]}
    assert made.ask("DELETE", f"/api/v1/sessions/{every['ops']}", as_eve).status == 404
    assert made.ask("GET", "/api/v1/pools", ops).status == 200
    assert made.send("DELETE", f"/api/v1/sessions/{every['ops']}?dry_run=1", {}).json["dry_run"] is True
    assert made.send("DELETE", f"/api/v1/sessions/{every['ops']}", {}).status == 204
    assert made.ask("GET", "/api/v1/pools", ops).status == 401
    assert made.ask("DELETE", f"/api/v1/sessions/{every['eve']}", as_eve).status == 204
    assert made.ask("GET", "/api/v1/pools", eve).status == 401


def test_an_operator_undoes_their_own_changes_and_no_others() -> None:
    made = Admin()
    ops = bearer(made, "ops")
    assert order(made, {"Authorization": f"Bearer {TOKEN}"}, 7).status == 200
    assert order(made, ops, 8).status == 200
    assert made.ask("POST", "/api/v1/generations/2/undo", ops).status == 403
    assert made.ask("POST", "/api/v1/generations/3/undo", ops).status == 200
    assert made.control.registry.pools["web"].servers[0].config.weight == 7


def test_every_write_can_be_rehearsed() -> None:
    writes = [route for route in ROUTES if route.method != "GET" and route.path.startswith("/api/")]
    unchanging = {"explain", "check_config"}
    assert {route.name for route in writes if "dry_run" not in dict(route.query)} == unchanging


@pytest.mark.parametrize("name", ["make_link", "rotate_token", "add_token", "remove_token", "end_session"])
def test_a_rehearsal_of_access_changes_nothing(name: str) -> None:
    made = Admin()
    route = next(one for one in ROUTES if one.name == name)
    place = path(route, made)
    before = (
        list(made.accounts.tokens.living()),
        len(made.authenticator.sessions),
        len(made.authenticator.links),
    )
    reply = made.send(route.method, f"{place}?dry_run=1", GOOD.get(name, {}))
    assert reply.status == 200
    assert reply.json["dry_run"] is True
    assert reply.json["diff"]
    after = (
        list(made.accounts.tokens.living()),
        len(made.authenticator.sessions),
        len(made.authenticator.links),
    )
    assert after == before


def test_what_cannot_be_kept_is_said_and_not_done(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    made = Admin(folder=tmp_path / "file")
    reply = made.send("POST", "/api/v1/tokens", {"user": "ops"})
    assert reply.status == 409
    assert "state_dir" in reply.json["error"]


def test_roles_are_those_of_the_schema() -> None:
    assert ROLES[-1] == ADMIN
    assert {route.access for route in ROUTES} <= {OPEN, *ROLES}

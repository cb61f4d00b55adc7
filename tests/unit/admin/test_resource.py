from __future__ import annotations

import json
import re
from typing import Any

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.logger import globalLogPublisher

from director.admin import resource
from director.admin.answers import SECURITY_HEADERS
from director.admin.resource import LARGEST_BODY, ListenerPolicy
from director.admin.route import OPEN, ApiRoute
from director.admin.routes import ROUTES
from director.errors import ChangeRefused, ConfigError, DirectorError, SchedulerError
from director.model.pools import Pool
from director.registry.changes import PoolAdded
from tests.unit.admin import sample
from tests.unit.admin.wire import BEARER, JSON, TOKEN, Admin, Reply

NAMES = {
    "number": "100",
    "pool": "web",
    "server": "a",
    "service": "l7:www",
    "id": "g1",
    "fault": "slow",
    "run": "r1",
    "file": "admin.css",
    "table": "ip_vs",
    "sheet": "servers.csv",
}
GOOD: dict[str, dict[str, Any]] = {
    "change_server": {"weight": 3},
    "add_server": {"name": "z", "address": "10.0.0.9:80"},
    "add_pool": {"name": "z"},
    "change_pool": {"scheduler": "rr"},
    "add_service": {"name": "l7:z", "listen": ":81", "pool": "web"},
    "change_service": {"pool": "images"},
    "add_rule": {"name": "7 z", "service": "www", "respond": "404"},
    "change_rule": {"pool": "web"},
    "change_layer4": {"timeout.tcp": "1h"},
    "add_token": {"user": "ops"},
    "changes": {"changes": []},
    "explain": {"url": "http://www.example.org/"},
    "start_fault": {"name": "slow", "ttl": "2s"},
    "run_drill": {"name": "two hang"},
}
READERS = [route for route in ROUTES if route.method == "GET"]


def path(route: ApiRoute, made: Admin | None = None) -> str:
    names = {**NAMES, "number": "2"} if "generations" in route.path or "/changes/" in route.path else NAMES
    if made is not None and route.name in {"end_session", "remove_token"}:
        names = {**NAMES, "id": there(route, made)}
    listed = "?limit=5" if route.streams else ""
    return re.sub(r"{(\w+)}", lambda found: names[found[1]], route.path) + listed


def there(route: ApiRoute, made: Admin) -> str:
    """The id of a session or token that is there to be ended."""
    if route.name == "end_session":
        made.sign_in()
        return made.authenticator.sessions.living(0.0)[0].shown
    return made.accounts.tokens.make("ops", "viewer", 0.0, "", "me")[0].id


def admin() -> Admin:
    made = Admin()
    sample.fill(made.control)
    sample.trouble(made.control)
    return made


def ask(route: ApiRoute, headers: dict[str, str], made: Admin | None = None) -> Reply:
    body = b""
    if route.takes:
        headers = {"Content-Type": route.takes, **headers}
        body = json.dumps(GOOD[route.name]).encode() if route.name in GOOD else f"token={TOKEN}".encode()
    made = made or admin()
    return made.ask(route.method, path(route, made), headers, body)


def hardened(reply: Reply) -> None:
    for name, value in SECURITY_HEADERS:
        assert reply.headers.get_all(name) == [value], name
    assert "Server" not in reply.headers
    assert b"Traceback" not in reply.body
    assert b"twisted" not in reply.body.lower()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_each_route_answers_the_operator_as_it_says(route: ApiRoute) -> None:
    reply = ask(route, BEARER)
    hardened(reply)
    assert reply.status in route.statuses
    if reply.status == 200 and route.gives != "*/*":
        assert reply.headers["Content-Type"].startswith(route.gives)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_each_route_asks_strangers_who_they_are(route: ApiRoute) -> None:
    reply = ask(route, {})
    hardened(reply)
    if route.access == OPEN:
        assert reply.status != 401
    else:
        assert reply.status == 401
        assert reply.headers["WWW-Authenticate"] == 'Bearer realm="director"'


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "FOO"])
@pytest.mark.parametrize("place", sorted({path(route) for route in ROUTES}))
def test_other_methods_are_405_with_what_is_allowed(place: str, method: str) -> None:
    known = {route.method for route in ROUTES if path(route) == place}
    if method in known:
        return
    reply = admin().ask(method, place, {**BEARER, **JSON})
    hardened(reply)
    assert reply.status == 405
    assert known <= set(reply.headers["Allow"].split(", "))
    assert method not in reply.headers["Allow"].split(", ")
    assert reply.json["at"] == "method"


@pytest.mark.parametrize("route", READERS, ids=lambda route: route.name)
def test_head_is_get_without_a_body(route: ApiRoute) -> None:
    reply = admin().ask("HEAD", path(route), BEARER)
    hardened(reply)
    assert reply.body == b""
    assert reply.status in route.statuses


@pytest.mark.parametrize(
    "target",
    [
        "/nope",
        "/api",
        "/api/v1",
        "/api/v1/",
        "/api/v1/pools/",
        "/api/v1/pools/none",
        "/api/v1/pools/web/servers/none",
        "/api/v1/services/none",
        "/api/v1/requests/none",
        "//",
        "//evil.example/",
        "/static/",
        "/static/none",
        "/api/v1/pools/web%2Fservers%2Fa",
        "/login/",
        "/healthz/x",
    ],
)
def test_what_is_not_there_is_404(target: str) -> None:
    reply = admin().get(target)
    hardened(reply)
    assert reply.status == 404
    assert "Location" not in reply.headers
    assert set(reply.json) == {"error", "at"}


@pytest.mark.parametrize(
    "target", ["ftp://127.0.0.1/healthz", "https://127.0.0.1/healthz", "http:///healthz", "healthz"]
)
def test_what_is_no_path_of_ours_is_refused(target: str) -> None:
    """`https` is not what this listener speaks."""
    reply = admin().get(target)
    assert (reply.status, reply.json["at"]) == (400, "path")
    assert reply.json["error"].startswith("the path must begin with /")


DEEP = [
    "../admin.token",
    "..%2fadmin.token",
    "%2e%2e/admin.token",
    "%2e%2e%2fadmin.token",
    "..%252fadmin.token",
    "....//admin.token",
    "..\\admin.token",
    "..%5cadmin.token",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "//etc/passwd",
    "../../../../etc/passwd",
    "..%c0%afadmin.token",
    "%c0%ae%c0%ae/admin.token",
    "admin.css/../../pages.py",
    "admin.css%00",
    "%00admin.css",
    "admin.css/",
    "admin.css%2f",
    "./admin.css",
    "..;/admin.css",
    "file:///etc/passwd",
    "admin.css%20",
    "admin.css::$DATA",
    "ADMIN.CSS",
    "~root/.profile",
    "a" * 3000,
    ".",
    "..",
    "%2e",
    "%2e%2e",
    "../static/../api.py",
    "..%2F..%2F..%2Fetc%2Fpasswd",
    "%252e%252e%252fetc",
    "\\etc\\passwd",
    "C:/x",
    "con",
    "*",
    "?x",
    "admin.css%0d%0aX: y",
]


@pytest.mark.parametrize("spelling", DEEP)
def test_no_spelling_climbs_out_of_the_static_files(spelling: str) -> None:
    reply = admin().ask("GET", f"/static/{spelling}")
    hardened(reply)
    assert reply.status in {400, 404}, reply.body[:100]


@pytest.mark.parametrize(
    ("hosts", "wanted"),
    [
        (["127.0.0.1:8404"], 200),
        (["localhost"], 200),
        (["LOCALHOST:1"], 200),
        (["[::1]:8404"], 200),
        (["127.0.0.1"], 200),
        ([], 400),
        (["a", "b"], 400),
        (["127.0.0.1", "127.0.0.1"], 400),
        ([""], 400),
        (["127.0.0.1:x"], 400),
        (["127.0.0.1/x"], 400),
        (["user@127.0.0.1"], 400),
        (["evil.example"], 421),
        (["127.0.0.1.evil.example"], 421),
        (["localhost.evil.example:8404"], 421),
        (["127.0.0.2"], 421),
        (["<script>"], 400),
        (["127.0.0.1:999999"], 400),
    ],
)
def test_the_host_must_mean_us(hosts: list[str], wanted: int) -> None:
    head = "".join(f"Host: {host}\r\n" for host in hosts)
    reply = admin().raw(f"GET /healthz HTTP/1.1\r\n{head}\r\n".encode())
    hardened(reply)
    # RFC 9110 15.5 has the phrases.
    phrase = {200: "OK", 400: "Bad Request", 421: "Misdirected Request"}[wanted]
    assert (reply.status, reply.reason) == (wanted, phrase)


@pytest.mark.parametrize("target", ["/%ff", "/a%00b", "/a%0ab", "/a%7f"])
def test_a_path_that_is_no_text_is_400(target: str) -> None:
    reply = admin().get(target)
    hardened(reply)
    assert reply.status == 400


@pytest.mark.parametrize("route", [route for route in ROUTES if route.takes], ids=lambda route: route.name)
@pytest.mark.parametrize("kind", ["text/plain", "", "application/xml", "multipart/form-data; boundary=x"])
def test_another_content_type_is_415(route: ApiRoute, kind: str) -> None:
    reply = ask(route, {**BEARER, "Content-Type": kind})
    hardened(reply)
    assert reply.status == 415


@pytest.mark.parametrize(
    "route",
    [route for route in ROUTES if route.method != "GET" and route.access != OPEN],
    ids=lambda route: route.name,
)
def test_a_browser_without_the_csrf_token_changes_nothing(route: ApiRoute) -> None:
    made = admin()
    before = made.control.registry.generation
    cookie = made.sign_in()
    for more in ({}, {"X-CSRF-Token": "foreign"}, {"Origin": "http://evil.example"}, {"Origin": "null"}):
        reply = ask(route, {**cookie, **more}, made)
        hardened(reply)
        assert reply.status == 403
    assert made.control.registry.generation == before


def test_a_browser_with_everything_right_may_write() -> None:
    made = admin()
    cookie = made.sign_in()
    page = made.ask("GET", "/", cookie).body.decode()
    csrf = re.search(r'name="csrf" content="([^"]+)"', page)
    assert csrf
    fields = {**cookie, **JSON, "X-CSRF-Token": csrf[1], "Origin": "http://127.0.0.1:8404"}
    reply = made.ask("PATCH", "/api/v1/pools/web/servers/a", fields, b'{"weight": 7}')
    assert reply.status == 200
    assert made.control.registry.generations[-1].author == "the admin page"


def test_strangers_see_the_sign_in_page() -> None:
    reply = admin().ask("GET", "/")
    assert reply.status == 401
    assert b'name="token"' in reply.body


def test_the_redirect_after_the_sign_in_holds_no_user_input() -> None:
    made = admin()
    reply = made.ask("GET", made.make_link().partition("8404")[2] + "&next=//evil.example")
    assert reply.status == 303
    assert reply.headers["Location"] == "/"


def test_on_the_control_socket_nobody_is_asked() -> None:
    made = Admin(listening=ListenerPolicy(control=True))
    reply = made.ask(
        "PATCH", "/api/v1/pools/web/servers/a", {"Host": "localhost", **JSON}, b'{"state": "drain"}'
    )
    assert reply.status == 200
    assert made.control.registry.generations[-1].author == "the control socket"


def test_a_large_body_is_refused_also_without_the_site() -> None:
    reply = admin().send("POST", "/api/v1/explain", {"url": "x" * LARGEST_BODY})
    assert reply.status == 413


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (ChangeRefused("EBUSY", "in use", "pool web"), 409),
        (ChangeRefused("ESRCH", "none"), 404),
        (ChangeRefused("EINVAL", "bad"), 400),
        (SchedulerError("no such"), 409),
        (ConfigError(("a:1:1: error",)), 409),
        (DirectorError("cannot listen on :80: the address is in use"), 409),
        (RuntimeError("secret words"), 500),
    ],
)
def test_what_goes_wrong_has_its_status(error: Exception, wanted: int) -> None:
    made = admin()
    made.control.reloaded = error
    seen: list[Any] = []
    observer: Any = seen.append
    globalLogPublisher.addObserver(observer)
    try:
        reply = made.send("POST", "/api/v1/config/reload", {})
    finally:
        globalLogPublisher.removeObserver(observer)
    hardened(reply)
    assert reply.status == wanted
    assert set(reply.json) >= {"error", "at"}
    assert b"secret words" not in reply.body
    assert any("log_failure" in event for event in seen) == (wanted == 500)


def reloading() -> tuple[Admin, Deferred[Any], Any, Any]:
    """A reload that somebody has asked for: the admin, the work, the connection's two ends."""
    made = admin()
    work: Deferred[Any] = Deferred()
    made.control.reloaded = work
    protocol, transport = made.connect()
    head = f"POST /api/v1/config/reload HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    protocol.dataReceived(head.encode())
    made.clock.advance(0)
    return made, work, protocol, transport


def test_work_that_takes_too_long_goes_on_without_its_caller() -> None:
    made, work, _, transport = reloading()
    made.clock.advance(resource.WORK_SECONDS + 1)
    assert b"504" in transport.value().split(b"\r\n")[0]
    assert not work.called
    work.callback(made.control.registry.generations[-1])


def test_a_caller_who_goes_away_does_not_stop_the_work() -> None:
    made, work, protocol, transport = reloading()
    protocol.connectionLost(evolve)
    work.callback(made.control.registry.generations[-1])
    assert transport.value() == b""


def test_long_answers_wait_for_a_slow_reader() -> None:
    made = admin()
    more = Pool("big", tuple(sample.server(f"s{n}", n + 1) for n in range(99)))
    made.control.apply([PoolAdded(more)], "x")
    protocol, transport = made.connect()
    protocol.pauseProducing()
    protocol.dataReceived(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    made.clock.pump([0] * 20)
    before = len(transport.value())
    made.clock.pump([0] * 20)
    assert 0 < len(transport.value()) == before
    protocol.resumeProducing()
    made.clock.pump([0] * 50)
    assert transport.value().endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("method", ["Get", "get", "gET", "Head"])
def test_methods_are_case_sensitive_when_reading(method: str) -> None:
    """RFC 9110 9.1."""
    reply = admin().ask(method, "/api/v1/pools", BEARER)
    hardened(reply)
    assert reply.status == 405


@pytest.mark.parametrize("method", ["Post", "post", "pOST"])
def test_methods_are_case_sensitive_when_writing(method: str) -> None:
    made = admin()
    assert made.ask(method, "/api/v1/config/reload", {**BEARER, **JSON}, b"{}").status == 405
    assert made.control.registry.generation == 2, "nothing was reloaded"


def test_the_server_as_a_whole_is_asked_with_all_headers() -> None:
    """RFC 9110 9.3.7."""
    reply = admin().ask("OPTIONS", "*")
    hardened(reply)
    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, POST"
    other = admin().ask("GET", "*")
    hardened(other)
    assert other.status == 405
    assert admin().ask("OPTIONS", "*", {"Host": "evil.example"}).status == 421


@pytest.mark.parametrize(
    ("query", "at"),
    [
        ("dryrun=1", "dryrun"),
        ("dry-run=1", "dry-run"),
        ("dryRun", "dryRun"),
        ("dry_run=2", "dry_run"),
        ("dry_run=1&dry_run=0", "dry_run"),
        ("x=", "x"),
        ("=1", ""),
        ("DRY_RUN=1", "DRY_RUN"),
        ("%64ry_runs=1", "dry_runs"),
    ],
)
def test_a_parameter_that_is_not_known_does_nothing(query: str, at: str) -> None:
    made = admin()
    for method, target, order in (
        ("PATCH", "/api/v1/pools/web/servers/a", {"weight": 9}),
        ("POST", "/api/v1/config/reload", {}),
    ):
        reply = made.send(method, f"{target}?{query}", order)
        assert (reply.status, reply.json["at"]) == (400, at)
    assert made.control.registry.generation == 2


def test_the_nearest_parameter_is_named() -> None:
    reply = admin().send("PATCH", "/api/v1/pools/web/servers/a?dryrun=1", {"weight": 9})
    assert "did you mean 'dry_run'?" in reply.json["error"]


@pytest.mark.parametrize(
    "route", [one for one in READERS if one.path.startswith("/api/")], ids=lambda one: one.name
)
def test_reading_knows_its_parameters(route: ApiRoute) -> None:
    assert admin().get(f"{path(route)}?color=red").status == 400


@pytest.mark.parametrize("body", [b'{"dry_run": true}', b"[]", b"x", b'"dry_run"', b"null"])
@pytest.mark.parametrize("name", ["check_config", "reload", "make_link", "rotate_token"])
def test_an_order_without_fields_has_none(name: str, body: bytes) -> None:
    made = admin()
    route = next(one for one in ROUTES if one.name == name)
    reply = made.ask("POST", route.path, {**BEARER, **JSON}, body)
    assert reply.status == 400
    assert made.control.registry.generation == 2
    assert made.get("/api/v1/pools").status == 200, "the token is the same"


def test_the_same_order_twice_makes_one_generation() -> None:
    made = admin()
    first = made.send("PATCH", "/api/v1/pools/web/servers/a", {"state": "drain", "weight": 4}).json
    again = made.send("PATCH", "/api/v1/pools/web/servers/a", {"state": "drain", "weight": 4}).json
    assert len(first["diff"]) == 2
    assert (again["generation"], again["diff"]) == (first["generation"], [])


def test_links_and_tokens_by_the_api() -> None:
    made = admin()
    link = made.send("POST", "/api/v1/token/link", {}).json["link"]
    assert made.ask("GET", link.partition(":8404")[2]).status == 303
    assert made.ask("GET", link.partition(":8404")[2]).status == 403
    assert made.send("POST", "/api/v1/token/rotate", {}).json == {"file": "var/admin.token"}
    assert made.get("/api/v1/pools").status == 401

"""Reading a configuration with its own tests rehearsed."""

from __future__ import annotations

from pathlib import Path

import pytest

from director import plugins
from director.config.text.messages import render
from director.errors import DirectorError
from director.program.configuration import decide, known_schedulers, load, read, rehearsal
from director.program.layer7 import compile_services

BASE = """
[director]
state_dir = var

[l7:www]
listen = 127.0.0.1:8080
pool = web

[l7:shop]
listen = 127.0.0.1:8081
pool = shop

[pool:web]
server.a = 127.0.0.1:9001

[pool:shop]
server.s = 127.0.0.1:9002

[rule:100 images]
service = www
when = path ^= /images/
pool = shop

[rule:200 old]
service = www
when = path = /old
redirect = 301 http://new.example/
"""


def problems(tmp_path: Path, test: str, more: str = "") -> str:
    """What is said about the configuration with one more `[test:…]`."""
    path = tmp_path / "director.ini"
    path.write_text(f"{BASE}{more}\n[test:it]\n{test}\n")
    return render(read(str(path)).problems)


@pytest.mark.parametrize(
    ("request_line", "expect"),
    [
        ("GET http://h/images/a", "rule images, pool shop, server s"),
        ("GET http://h/images/a", "rule 100, server shop/s"),
        ("GET /old", "status 301"),
        ("GET http://h:8081/", "service shop, pool shop"),
        ("GET /../etc", "status 400"),
        ("GET /", "rule none, pool web"),
    ],
)
def test_what_is_expected_and_met_is_silent(tmp_path: Path, request_line: str, expect: str) -> None:
    assert problems(tmp_path, f"request = {request_line}\nexpect = {expect}") == ""


def test_a_test_that_fails_is_an_error_at_its_place(tmp_path: Path) -> None:
    said = problems(tmp_path, "request = GET http://h/images/a\nexpect = rule images, pool web")
    line = BASE.count("\n") + 4
    assert said.startswith(f"{tmp_path}/director.ini:{line}:")
    assert "[test:it] expect = rule images, pool web: expected pool web, got shop" in said
    assert "the request gets rule 100 images, pool shop, server s" in said
    path = tmp_path / "director.ini"
    assert read(str(path)).configuration is None
    assert load(path)[0] is None


FAULTY = """
[l7:fallible]
listen = 127.0.0.1:8082
pool = pair
fault = active, page sorry
[rule:1 other]
service = fallible
when = path = /other
pool = third
[pool:pair]
server.a = 127.0.0.1:9011
server.b = 127.0.0.1:9012
[pool:third]
server.c = 127.0.0.1:9013
[page:sorry]
file = sorry.html
status = 502
"""


@pytest.mark.parametrize(
    ("down", "expect"),
    [
        ("pair/a", "server pair/b"),
        ("pair/b", "server a, fault none"),
        ("pair/a, pair/b", "fault active"),
        ("pair/a pair/b", "fault active c"),
        ("pair/a, pair/b", "fault active:third/c"),
        ("pair/a, pair/b, third/c", "fault page:sorry, status 502"),
        ("pair/a, pair/b, third/c", "fault page sorry, status 502"),
        ("third/c", "server a"),
    ],
)
def test_servers_that_are_down_for_one_test(tmp_path: Path, down: str, expect: str) -> None:
    (tmp_path / "sorry.html").write_text("sorry")
    test = f"request = GET http://h:8082/\ndown = {down}\nexpect = {expect}"
    up = "\n[test:all are up]\nrequest = GET http://h:8082/\nexpect = fault none, pool pair"
    assert problems(tmp_path, test + up, FAULTY) == ""


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("down = web/x\nexpect = pool web", ":8: error: [test:it] down = web/x: there is no server web/x"),
        ("down = web\nexpect = pool web", ":8: error: [test:it] down = web: not a server: 'web'"),
        (
            "down = web/a\nexpect = fault page:no",
            ":16: error: [test:it] expect = fault page:no: there is no page no",
        ),
        ("down = web/a\nexpect = fault pag:no", ":16: error: [test:it] expect = fault pag:no: not a step"),
    ],
)
def test_what_a_test_cannot_say(tmp_path: Path, lines: str, said: str) -> None:
    assert said in problems(tmp_path, f"request = GET /\n{lines}")


def test_no_message_tells_a_secret(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cr3t-key\n")
    rule = (
        "[rule:1 key]\nservice = www\nwhen = header X-Key = ${file:key}\n"
        "redirect = 302 https://a.example/${file:key}\nset_header = X-Up: ${file:key}"
    )
    test = "request = GET /\nheader = X-Key: ${file:key}\nexpect = location https://b.example/"
    said = problems(tmp_path, test, rule.replace("\nset_header = X-Up: ${file:key}", ""))
    assert "expected location https://b.example/, got https://a.example/***" in said
    assert "s3cr3t" not in said


def test_a_scheduler_file_that_does_not_load_is_an_error_at_its_place(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("raise RuntimeError('no')\n")
    said = problems(
        tmp_path, "request = GET /\nexpect = pool web", "\n[scheduler:mine]\npython = mine.py:Mine\n"
    )
    assert "[scheduler:mine] python = mine.py:Mine" in said
    assert "error" in said


def test_what_only_the_scheduler_understands_is_an_error_at_its_place(tmp_path: Path) -> None:
    path = tmp_path / "director.ini"
    path.write_text(BASE.replace("server.s = 127.0.0.1:9002", "server.s = h:80\nscheduler = hash(cooky sid)"))
    (problem,) = read(str(path)).problems
    assert (problem.line, problem.column, problem.section) == (18, 13, "pool:shop")
    assert "hash(cooky sid): nothing of a request is called so" in problem.message


def test_an_own_scheduler_that_does_not_start_is_an_error_at_its_pool(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "class Mine:\n    def start(self, service, servers):\n        raise ValueError('three, please')\n"
        "    def choose(self, servers, key, now):\n        return servers[0]\n"
    )
    path = tmp_path / "director.ini"
    text = BASE.replace("server.s = 127.0.0.1:9002", "server.s = h:80\nscheduler = mine")
    path.write_text(text + "[scheduler:mine]\npython = mine.py:Mine\n")
    (problem,) = read(str(path)).problems
    assert (problem.line, problem.section) == (18, "pool:shop")
    assert "three, please" in problem.message


@pytest.mark.parametrize("absolute", [True, False])
def test_places_are_named_as_the_configuration_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, absolute: bool
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.ini").write_text(BASE + "[pool:web]\n[test:t]\nrequest = GET /\nexpect = pool shop\n")
    monkeypatch.chdir(tmp_path / "sub")
    near = str(tmp_path / "a.ini") if absolute else "../a.ini"
    said = render(read(near).problems)
    assert f"{near}:28:1: error: [pool:web]: the section is already at {near}:13\n" in said
    (tmp_path / "a.ini").write_text(BASE + "[test:t]\nrequest = GET /\nexpect = pool shop\n")
    assert render(read(near).problems).startswith(f"{near}:30:10: error: [test:t] expect")


@pytest.mark.parametrize(
    ("server", "wrong"),
    [("tcp:127.0.0.1:80", False), ("unix:/run/x:timeout=3", False), ("systemd:domain=INET:index=0", True)],
)
def test_endpoints_of_servers_are_such_as_one_connects_to(tmp_path: Path, server: str, wrong: bool) -> None:
    path = tmp_path / "director.ini"
    path.write_text(BASE.replace("server.s = 127.0.0.1:9002", f"server.s = {server}"))
    found = [(one.line, one.message) for one in read(str(path)).problems]
    said = "Twisted has no such endpoint to connect to: Unknown endpoint type: 'systemd'"
    assert found == ([(17, said)] if wrong else [])


@pytest.mark.parametrize(
    ("listen", "wrong"),
    [
        ("tcp:8080", False),
        ("tcp:", True),
        ("tcp:port=x", True),
        ("tcp:8080:nothing=1", True),
        ("ssl:443:privateKey=/nowhere.pem", True),
        # Not started by systemd, the test has no such socket either.
        ("systemd:domain=INET:index=0", False),
    ],
)
@pytest.mark.parametrize("section", ["l7:www", "admin"])
def test_endpoints_to_listen_on_are_tried(tmp_path: Path, section: str, listen: str, wrong: bool) -> None:
    if section == "admin" and listen.startswith("tcp:8080"):
        listen += ":interface=127.0.0.1"
    path = tmp_path / "director.ini"
    admin = f"\n[admin]\nlisten = {listen}\n" if section == "admin" else ""
    path.write_text((BASE if admin else BASE.replace("127.0.0.1:8080", listen)) + admin)
    found = [one for one in read(str(path)).problems if one.severity == "error"]
    assert len(found) == wrong
    assert all((one.section, one.key) == (section, "listen") for one in found)


def test_a_check_warns_of_names_without_an_address(tmp_path: Path) -> None:
    path = tmp_path / "director.ini"
    # RFC 6761: no name ends in `invalid`.
    path.write_text(BASE.replace("server.s = 127.0.0.1", "server.s = no-such.invalid"))
    assert read(str(path)).problems == ()
    configuration, found = load(path)
    assert configuration is not None
    (problem,) = [one for one in found if "resolved" in one.message]
    assert (problem.severity, problem.line, problem.section) == ("warning", 17, "pool:shop")
    assert problem.message.startswith("the name no-such.invalid cannot be resolved now: ")
    assert load(path, offline=True) == (configuration, ())


def test_the_installed_schedulers_are_known() -> None:
    assert {"rr", "wlc", "mh", "hash"} <= set(known_schedulers())


def test_a_rehearsal_touches_nothing_and_a_service_that_is_not_there_is_said(tmp_path: Path) -> None:
    path = tmp_path / "director.ini"
    path.write_text(BASE)
    configuration = read(str(path)).require()

    registry = rehearsal(configuration, plugins.catalog(()))
    assert all(server.load == 0 for server in registry.servers())
    sites = compile_services(configuration, registry)
    with pytest.raises(DirectorError, match="there is no HTTP service none"):
        decide(sites, "GET", "/", (), "", "none")
    with pytest.raises(DirectorError, match="there is no HTTP service; name"):
        decide([], "GET", "/", (), "")
    for url in ("http://h:99999/", "http://[::1/", "http://h:x/"):
        with pytest.raises(DirectorError, match="this is no URL: "):
            decide(sites, "GET", url, (), "")
    assert decide(sites, "GET", "http://h/?a=1", (), "")["target"] == "/?a=1"

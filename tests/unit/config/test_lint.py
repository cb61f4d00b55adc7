from __future__ import annotations

import pytest

from director.config.text.messages import exit_code, render
from tests.support.configurations import read_ini

BASE = "[l7:www]\nlisten = :80\n[rule:10 all]\nservice = www\nwhen = path ^= /a\nrespond = 404\n"


def test_a_rule_that_can_never_match() -> None:
    loaded = read_ini(BASE + "[rule:20 b]\nservice = www\nwhen = path = /a/b\nrespond = 200\n")
    assert loaded.configuration is not None
    assert render(loaded.problems) == (
        "etc/main.ini:9:8: warning: [rule:20 b] when = path = /a/b: this rule can never match: "
        "[rule:10 all] at etc/main.ini:3 claims its requests\n"
        "    when = path = /a/b\n"
        "           ^\n"
        "    give it a smaller number, or narrow the other's when\n"
    )
    assert exit_code(loaded.problems) == 0
    assert exit_code(loaded.problems, strict=True) == 1


def test_order_is_by_number_not_by_place() -> None:
    loaded = read_ini(BASE + "[rule:5 b]\nservice = www\nrespond = 200\n")
    assert [(p.line, p.severity) for p in loaded.problems] == [(5, "warning")]


def test_unused_and_empty() -> None:
    loaded = read_ini("[pool:p]\n[check:c]\ntcp = connect\n")
    assert [(p.line, p.severity, p.message) for p in loaded.problems] == [
        (1, "warning", "no service or rule uses this pool"),
        (1, "warning", "the pool has no server"),
        (2, "warning", "no pool uses this check"),
    ]


def test_a_server_name_that_no_request_has() -> None:
    loaded = read_ini(
        "[l7:www]\nlisten = :80\n[rule:1 a]\nservice = www\nwhen = not sni = a.b\nrespond = 404\n"
    )
    assert loaded.configuration is not None
    assert [(p.line, p.column, p.severity) for p in loaded.problems] == [(5, 12, "warning")]
    assert loaded.problems[0].message.endswith("nothing has an sni: [l7:www] has no TLS")


def test_small_methods() -> None:
    loaded = read_ini(
        "[l7:w]\nlisten = :80\n[rule:1 a]\nservice = w\n"
        "when = method = post and path ~ (/a+)+$\nrespond = 404\n"
    )
    assert [(p.column, p.severity, p.hint) for p in loaded.problems] == [
        (17, "warning", "write POST"),
    ]


SERVICE = "[l7:w]\nlisten = :80\npool = p\n{}\n[pool:p]\nserver.a = h:80\n{}\n[page:s]\nfile = s\n{}"
RULE = "[rule:1 a]\nservice = w\nwhen = path ~ ^/(.)\n"


@pytest.mark.parametrize(
    ("service", "pool", "rule", "expected"),
    [
        ("", "", RULE + "redirect = 301 /\nset_header = A: b\nhash = path.1\n", [(14, 14), (15, 8)]),
        ("", "", RULE + "respond = 404\nrewrite_path = /x\n", [(14, 16)]),
        ("", "scheduler = hash else rr", RULE + "pool = p\nset_header = A: b\nhash = path.1\n", []),
        ("", "scheduler = hhttp", RULE + "pool = p\nhash = path.1\n", []),
        ("", "", RULE + "pool = p\nhash = path.1\n", [(14, 8)]),
        ("", "scheduler = sh else rr", RULE + "pool = p\nhash = path.1\n", [(14, 8)]),
        ("fault = active, page s", "", "", []),
        ("fault = page s, active, local :1", "", "", [(4, 17)]),
        ("protocol = tcp\nfault = local h:1, page s", "", "", [(5, 25)]),
        ("protocol = tcp\nlimit.body = 1k\ntimeout.client = 3s", "", "", [(5, 14), (6, 18)]),
        ("protocol = tls-passthrough\ntimeout.client = 3s\nlimit.body = 1k", "", "", [(6, 14)]),
        ("protocol = tls-passthrough", "tls = on", "", [(3, 8)]),
        ("switch = connection", "persist = cookie D insert", "", [(3, 8)]),
        ("protocol = tcp", "persist = cookie D insert", "", [(3, 8)]),
        ("switch = request", "persist = cookie D insert", "", []),
    ],
)
def test_keys_without_effect(service: str, pool: str, rule: str, expected: list[tuple[int, int]]) -> None:
    loaded = read_ini(SERVICE.format(service, pool, rule), {"etc/s": "sorry"})
    assert [(p.line, p.column, p.severity) for p in loaded.problems] == [(*at, "warning") for at in expected]


def test_a_hint_names_a_scheduler_that_hashes() -> None:
    (problem,) = read_ini(SERVICE.format("", "", RULE + "pool = p\nhash = path.1\n"), {"etc/s": "x"}).problems
    assert problem.hint == "write scheduler = hash(path.1) else wlc into [pool:p]"


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        (
            "[l7:w]\nlisten = :80\npool = p\n[pool:p]\nserver.a = 10.0.0.1:80\nqueue = 10 for 5s\n",
            (6, 9),
            "nobody ever waits: no server of the pool has a max",
        ),
        (
            "[l7:w]\nlisten = :80\npool = p\n[pool:p]\nserver.a = 127.0.0.1:80\n",
            (5, 12),
            "this server is the director's own [l7:w]",
        ),
        (
            "[l7:w]\nlisten = [::1]:80\npool = p\n[pool:p]\nserver.a = [::1]:80\n",
            (5, 12),
            "this server is the director's own [l7:w]",
        ),
        (
            "[l7:w]\nlisten = 127.0.0.1:80\npool = p\n[pool:p]\nserver.a = localhost:80\n",
            (5, 12),
            "this server is the director's own [l7:w]",
        ),
        (
            "[l7:w]\nlisten = [::1]:80\npool = p\n[pool:p]\nserver.a = localhost:80\n",
            (5, 12),
            "this server is the director's own [l7:w]",
        ),
        (
            "[l4:d]\nvirtual = tcp 192.0.2.1:80\npool = p\nnetmask = 24\n[pool:p]\nserver.a = 10.0.0.1:80\n",
            (4, 11),
            "a netmask says which clients stay together, and without persistent none do",
        ),
        (
            "[l4:d]\nvirtual = tcp 1.2.3.4:80\npool = p\nforward = dr\n[pool:p]\nserver.a = 10.0.0.1:8080\n",
            (6, 20),
            "dr leaves the port as it is, so the server is asked at 80",
        ),
        (
            (
                "[l7:w]\nlisten = [2001:0db8::1]:80\npool = p\n[l4:d]\nvirtual = tcp [2001:db8::1]:80\n"
                "pool = p\n[pool:p]\nserver.a = [fd00::1]:80\n"
            ),
            (5, 11),
            "[l7:w] listens on [2001:db8::1]:80 and goes first: no client comes here",
        ),
    ],
)
def test_what_is_surely_not_meant(text: str, place: tuple[int, int], message: str) -> None:
    (problem,) = read_ini(text).problems
    assert (problem.line, problem.column) == place
    assert (problem.severity, problem.message) == ("warning", message)


@pytest.mark.parametrize(
    "text",
    [
        "[l7:w]\nlisten = :80\npool = p\n[pool:p]\nserver.a = 10.0.0.1:80 max=3\nqueue = 10 for 5s\n",
        "[l7:w]\nlisten = :80\npool = p\n[pool:p]\nserver.a = 10.0.0.1:80\nqueue = off\n",
        "[l7:w]\nlisten = :80\npool = p\n[pool:p]\nserver.a = 10.0.0.1:80\nserver.b = 127.0.0.1:81\n",
        "[l4:d]\nvirtual = tcp 192.0.2.1:80\npool = p\nforward = dr\n[pool:p]\nserver.a = 10.0.0.1:80\n",
        (
            "[l7:w]\nlisten = :80\npool = p\n[l4:d]\nvirtual = tcp 192.0.2.1:80\npool = p\n[l4:e]\n"
            "virtual = udp 192.0.2.1:80\npool = p\n[pool:p]\nserver.a = 10.0.0.1:80\n"
        ),
        "[l4:d]\nvirtual = tcp 192.0.2.1:80\npool = p\nforward = nat\n[pool:p]\nserver.a = 10.0.0.1:8080\n",
        "[l4:d]\nvirtual = fwmark 1\npersistent = 3s\nnetmask = 9\npool = p\n[pool:p]\nserver.a = 9.9.9.9\n",
    ],
)
def test_what_may_be_meant(text: str) -> None:
    assert read_ini(text).problems == ()


MARKED = (
    "[l4]\nmark.7 = {}\n[l4:s]\nvirtual = fwmark 7\npool = p\n{}\n[pool:p]\nserver.a = 10.0.0.1:8080 {}\n"
    "server.b = 10.0.0.2:0\nserver.c = 10.0.0.3\n"
)
NOT_USED = "[l4:s] is persistent on several ports; the server's port is not used"
SEVERAL = "tcp 192.0.2.1:80, tcp 192.0.2.1:443"


@pytest.mark.parametrize(
    ("rules", "more", "server", "messages"),
    [
        (SEVERAL, "", "", ["every port of [l4:s] arrives at 10.0.0.1:8080"]),
        ("tcp 192.0.2.1:80-81", "", "", ["every port of [l4:s] arrives at 10.0.0.1:8080"]),
        ("ip 192.0.2.1", "", "", ["every port of [l4:s] arrives at 10.0.0.1:8080"]),
        (
            SEVERAL,
            "persistent = 60s",
            "",
            ["[l4:s] is persistent on several ports; the server's port is not used"],
        ),
        ("tcp 192.0.2.1:80, tcp 192.0.2.2:80", "", "", []),
        (SEVERAL, "forward = dr", "", []),
        (SEVERAL, "", "forward=tun", []),
    ],
)
def test_a_servers_port_where_clients_ask_several(
    rules: str, more: str, server: str, messages: list[str]
) -> None:
    loaded = read_ini(MARKED.format(rules, more, server))
    assert [(one.message, one.severity) for one in loaded.problems] == [(one, "warning") for one in messages]
    assert loaded.configuration is not None
    if messages:
        assert (
            loaded.problems[0].hint
            == "write 10.0.0.1 without a port (or 10.0.0.1:0): the port asked for stays"
        )


@pytest.mark.parametrize(
    ("more", "lines"),
    [
        ("pool = q\n[pool:q]\nserver.a = 10.0.0.1:80\n", []),
        ("pool = p\n", [5]),
        ("pool = q\n[pool:q]\nserver.a = localhost:443\n", [5, 10]),
        ("pool = q\nfault = pool p\n[pool:q]\nserver.a = 10.0.0.1:80\n", [5]),
        ("pool = q\n[pool:q]\nserver.a = 10.0.0.1:80\n[rule:1 x]\nservice = w\npool = p\n", [5]),
    ],
)
@pytest.mark.parametrize("protocol", ["tls-passthrough", "http"])
def test_one_service_may_stand_before_another_if_the_way_does_not_lead_back(
    protocol: str, more: str, lines: list[int]
) -> None:
    text = "[l7:f]\nlisten = :443\npool = p\n[pool:p]\nserver.a = 127.0.0.1:8443\n[l7:w]\nlisten = :8443\n"
    text = text.replace("pool = p\n[", f"pool = p\nprotocol = {protocol}\n[", 1)
    found = [one.line - 1 for one in read_ini(text + more).problems if "director's own" in one.message]
    assert found == lines


@pytest.mark.parametrize(("listen", "warned"), [(":443", False), (":8443, :80", False), (":8443", True)])
def test_an_authority_must_find_its_proof(listen: str, warned: bool) -> None:
    text = "[director]\nname = x\nstate_dir = /s\n[l7:w]\npool = p\ntls = acme a.example\nlisten = {}\n"
    found = read_ini(text.format(listen) + "[pool:p]\nserver.a = 10.0.0.1:80\n").problems
    assert [(one.key, one.severity) for one in found] == [("tls", "warning")] * warned

"""Most rows stand in tests/conformance/config; here is what must not be reported."""

from __future__ import annotations

import pytest

from tests.support.configurations import read_ini


def test_names_that_do_not_resolve_are_no_mistake() -> None:
    text = (
        "[l7:s]\nlisten = no.such.host.example:80\npool = p\n[pool:p]\nserver.a = no.such.host.example:80\n"
    )
    assert read_ini(text).problems == ()


def test_equal_numbers_in_two_services_are_fine() -> None:
    text = "".join(
        f"[l7:s{n}]\nlisten = :{n}\n[rule:1 r{n}]\nservice = s{n}\nrespond = 404\n" for n in (1, 2)
    )
    assert read_ini(text).problems == ()


def test_a_port_on_other_addresses_is_free() -> None:
    demos = ("127.0.0.1:80", "127.0.0.2:80", "[::]:80", ":81", "h:80")
    text = "".join(f"[demo:d{at}]\nlisten = {listen}\n" for at, listen in enumerate(demos))
    assert read_ini(text).problems == ()


def test_a_mistake_inside_a_pool_does_not_make_its_name_unknown() -> None:
    loaded = read_ini("[l7:s]\nlisten = :80\npool = p\n[pool:p]\nserver.a = h:80 wieght=1\n")
    assert len(loaded.problems) == 1


def test_a_scheduler_of_the_users_own_is_known() -> None:
    text = "[l7:s]\nlisten = :80\npool = p\n[pool:p]\nserver.a = h:80\n"
    text += "scheduler = {0}\n[scheduler:{0}]\npython = a.py:B\n"
    assert read_ini(text.format("mine")).problems == ()
    (problem,) = read_ini(text.format("wlc")).problems
    assert problem.message == "wlc is a scheduler of the director"


def test_two_servers_at_one_address() -> None:
    loaded = read_ini("[l7:s]\nlisten = :80\npool = p\n[pool:p]\nserver.a = h:80\nserver.b = h:80\n")
    (problem,) = loaded.problems
    assert (problem.line, problem.severity) == (6, "warning")
    assert problem.message == "server.a has the same address at etc/main.ini:5"


def test_layer_4_needs_addresses_and_each_virtual_service_once() -> None:
    service = "[l4:{}]\nvirtual = tcp 192.0.2.1:80\npool = p\n"
    loaded = read_ini(
        "[pool:p]\nserver.a = h:80\nserver.b = 10.0.0.1\n" + service.format("x") + service.format("y")
    )
    messages = [p.message for p in loaded.problems if "no layer 4" not in p.message]
    assert messages == [
        "layer 4 needs an IP address here",
        "the service already exists as [l4:x] at etc/main.ini:5",
    ]


@pytest.mark.parametrize("host", ["224.0.0.1", "255.255.255.255", "0.0.0.0", "ff02::1", "::", "fe80::1"])
def test_layer_4_sends_to_single_hosts(host: str) -> None:
    """`lvs-semantics` B.3, V6: unicast, and for IPv6 not of one link only."""
    place, virtual = (f"[{host}]", "[2001:db8::9]") if ":" in host else (host, "192.0.2.1")
    service = f"[l4:x]\nvirtual = tcp {virtual}:80\npool = p\n"
    (problem,) = read_ini(f"[pool:p]\nserver.a = {place}:80\n{service}").problems
    assert (problem.line, problem.severity) == (2, "error")
    assert problem.message == f"{host} is no single host's address"


def test_a_link_local_server_of_ipv4_is_as_good_as_any() -> None:
    text = "[pool:p]\nserver.a = 169.254.0.9:80\n[l4:x]\nvirtual = tcp 192.0.2.1:80\npool = p\n"
    assert read_ini(text).problems == ()


def test_a_server_of_the_other_ip_version_needs_a_tunnel() -> None:
    pool = "[pool:p]\nserver.a = 10.0.0.1:80\nserver.b = [2001:db8::1]:80{}\n"
    service = "[l4:x]\nvirtual = tcp 192.0.2.1:80\npool = p\nforward = {}\n"
    (problem,) = read_ini(pool.format("") + service.format("nat")).problems
    assert (problem.line, problem.severity) == (6, "error")
    assert problem.message == "server b of [pool:p] has an IPv6 address, the service IPv4"
    assert read_ini(pool.format("") + service.format("tun")).problems == ()
    assert read_ini(pool.format(" forward=tun") + service.format("nat")).problems == ()


L4 = "[l4:s]\nvirtual = tcp 192.0.2.1:80\npool = p\n{}[pool:p]\nserver.a = 10.0.0.1:80\n{}"
TCP = "[l7:s]\nlisten = :80\nprotocol = tcp\npool = p\n{}[pool:p]\nserver.a = 10.0.0.1:80\n{}"
HTTP = "[l7:s]\nlisten = :80\npool = p\n{}[pool:p]\nserver.a = 10.0.0.1:80\n{}"


@pytest.mark.parametrize("text", [L4, TCP])
@pytest.mark.parametrize(
    "scheduler",
    [
        "hash(path)", "hash(cookie sid)", "hash(header X-A)", "hash(query q)", "hash(host)", "hash(uri)",
        "hash(path.1)", "hash", "hhttp", "hash(path) else hhttp", "hash(path) bounded",
    ],
)  # fmt: skip
def test_a_scheduler_of_requests_refuses_everybody_where_none_is_read(text: str, scheduler: str) -> None:
    (problem,) = read_ini(text.format("", f"scheduler = {scheduler}\n")).problems
    assert "it would refuse everybody" in problem.message
    assert problem.severity == "error"
    assert read_ini(HTTP.format("", f"scheduler = {scheduler}\n")).problems == ()


@pytest.mark.parametrize("text", [L4, TCP])
@pytest.mark.parametrize("scheduler", ["hash(client)", "hash(path) else wlc", "mh", "sh port"])
def test_a_scheduler_that_finds_somebody_for_a_packet_is_fine(text: str, scheduler: str) -> None:
    assert read_ini(text.format("", f"scheduler = {scheduler}\n")).problems == ()


def test_a_scheduler_of_the_services_own_has_no_excuse() -> None:
    (problem,) = read_ini(L4.format("scheduler = hash(path) else wlc\n", "")).problems
    assert (problem.line, problem.severity, problem.hint) == (4, "warning", "write scheduler = wlc")
    assert read_ini(L4.format("scheduler = wlc\n", "scheduler = hash(path)\n")).problems == ()


def test_a_server_without_a_port_has_nothing_to_check() -> None:
    text = "[l4:s]\nvirtual = tcp 192.0.2.1:80\npool = p\n[pool:p]\nserver.a = 10.0.0.1{}\ncheck = c\n"
    text += "[check:c]\ntcp = connect\n"
    for port in ("", ":0"):
        (problem,) = read_ini(text.format(port)).problems
        assert (problem.line, problem.message) == (5, "a server without a port cannot be checked")
    assert read_ini(text.format(":80")).problems == ()


@pytest.mark.parametrize(
    ("service", "rule", "lines"),
    [
        ("protocol = tcp\npool = h", "", [3]),
        ("protocol = tls-passthrough\npool = h", "", [3]),
        ("switch = connection\npool = h", "", [3]),
        ("pool = h", "", []),
        ("protocol = tcp\npool = p", "[rule:1 a]\nservice = w\nwhen = client = 10.0.0.1\npool = h\n", [11]),
        ("pool = p", "[rule:1 a]\nservice = w\npool = h\n", []),
    ],
)
def test_what_is_relayed_unread_has_no_frames(service: str, rule: str, lines: list[int]) -> None:
    pools = "[pool:p]\nserver.a = 10.0.0.2:80\n[pool:h]\nserver.a = 10.0.0.1:80\nprotocol = h2\n"
    loaded = read_ini(f"[l7:w]\n{service}\nlisten = :80\n{pools}{rule}")
    found = [one for one in loaded.problems if "relays connections unread" in one.message]
    assert bool(found) == bool(lines)
    assert all(one.key == "pool" for one in found)


def test_what_the_director_gets_must_be_kept_somewhere() -> None:
    text = "[l7:w]\nlisten = :443\npool = p\ntls = acme a.example\n[pool:p]\nserver.a = 10.0.0.1:80\n"
    assert [one.message for one in read_ini(text).problems] == [
        "nothing keeps the certificates that the director gets"
    ]
    assert not read_ini("[director]\nname = x\nstate_dir = /s\n" + text).problems

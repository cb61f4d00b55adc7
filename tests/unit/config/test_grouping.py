"""What many services ask of many servers costs as much as both lists together: counted, not timed."""

from __future__ import annotations

import sys

import pytest

from director.config.grouping import Way, listeners, version, ways
from director.config.parse.fields import Fields
from director.config.schema.tables import kind_of
from director.config.text.messages import Findings
from director.config.text.reader import parse
from director.model.pools import Forward
from tests.support.configurations import read_ini


def sections(text: str) -> list[Fields]:
    """The sections of a text, read."""
    findings = Findings()
    found = []
    for section in parse("main.ini", text, findings):
        kind = kind_of(section.kind, named=True)
        assert kind is not None
        found.append(Fields(section, kind, findings))
    return found


def test_servers_are_grouped_by_the_way_to_them() -> None:
    (pool,) = sections(
        "[pool:web]\nserver.a = 10.0.0.1:80\nserver.b = [::1]:80 forward=tun\nserver.c = 10.0.0.2:80\n"
        "server.d = a.example:0\n"
    )
    found = {way: [key for key, _ in group] for way, group in ways([pool])["web"].items()}
    assert found == {
        Way(None, 4, 80): ["server.a", "server.c"],
        Way(Forward.TUN, 6, 80): ["server.b"],
        Way(None, 0, 0): ["server.d"],
    }


@pytest.mark.parametrize(("host", "number"), [("10.0.0.1", 4), ("::1", 6), ("a.example", 0), ("", 0)])
def test_a_name_has_no_version(host: str, number: int) -> None:
    assert version(host) == number


def test_who_listens_where() -> None:
    www, more = sections("[l7:www]\nlisten = :80, 127.0.0.1:81, unix:/s\n[l7:more]\nlisten = :0, [::1]:82\n")
    assert listeners([www, more]) == {("", 80): www, ("127.0.0.1", 81): www, ("::1", 82): more}


def calls(text: str) -> int:
    """Calls of functions, of Python's and of C's, until a text is read."""
    count = 0

    def counted(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(counted)
    try:
        loaded = read_ini(text)
    finally:
        sys.setprofile(None)
    assert loaded.configuration is not None, loaded.problems
    return count


def a_pool(servers: int) -> str:
    return "[pool:web]\n" + "".join(
        f"server.s{one} = 10.0.{one // 250}.{one % 250 + 1}:80\n" for one in range(servers)
    )


def of_layer4(services: int) -> str:
    return "".join(
        f"[l4:v{one}]\nvirtual = tcp 192.0.2.{one + 1}:80\npool = web\nforward = {('dr', 'nat')[one % 2]}\n"
        for one in range(services)
    )


def of_layer7(services: int) -> str:
    return "".join(f"[l7:w{one}]\nlisten = 127.0.0.1:{2000 + one}\npool = web\n" for one in range(services))


def rehearsed(services: int) -> str:
    return "[l7:www]\nlisten = :80\npool = web\n" + "".join(
        f"[test:t{one}]\nrequest = GET /\ndown = web/s0\nexpect = pool web\n" for one in range(services)
    )


@pytest.mark.parametrize("many", [of_layer4, of_layer7, rehearsed])
def test_a_service_costs_the_same_however_many_servers_its_pool_has(many: object) -> None:
    """1500 services on one pool of 1000 servers took minutes."""
    assert callable(many)
    few, lots = a_pool(5), a_pool(205)
    calls(few + many(1))
    small = calls(few + many(40)) - calls(few + many(20))
    large = calls(lots + many(40)) - calls(lots + many(20))
    assert large < small * 1.2


def test_a_mistake_of_servers_is_said_once_for_all_services() -> None:
    text = a_pool(3).replace("1:80", "1:81") + of_layer4(8)
    problems = [one for one in read_ini(text).problems if "leaves the port as it is" in one.message]
    assert [one.key for one in problems] == ["server.s0"]

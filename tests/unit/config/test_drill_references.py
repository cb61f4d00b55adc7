"""What faults and drills name, and `[director] drills`."""

from __future__ import annotations

import pytest

from tests.support.configurations import read_ini

BASE = """[director]
drills = allowed
[l7:www]
listen = :80
pool = web
[l7:raw]
listen = :81
protocol = tcp
pool = web
[pool:web]
server.a = 10.0.0.1:80
[l4:dns]
virtual = udp 192.0.2.1:53
pool = dns
[pool:dns]
server.d = 10.0.0.2:53
"""
FAULT = "[fault:a hangs]\nserver = web/a\ndo = hang\n"
DRILL = "[drill:x]\nservice = www\nstep 0s = start a hangs\nstep 1s = end\n"

CHECKED = (
    "[pool:checked]\nserver.c = 10.0.0.9:80\ncheck = c\n[check:c]\ntcp = connect\n"
    "[l7:more]\nlisten = :83\npool = checked\n"
)


def said(text: str) -> list[str]:
    return [problem.message for problem in read_ini(text).problems]


def test_a_good_one() -> None:
    assert said(BASE + FAULT + DRILL) == []


@pytest.mark.parametrize("do", ["tls expired", "dns empty"])
@pytest.mark.parametrize("place", ["named/n", "pool named"])
def test_certificates_and_names_where_there_are_some(do: str, place: str) -> None:
    named = "[l7:more]\nlisten = :82\npool = named\n[pool:named]\nserver.n = n.example:443\ntls = on\n"
    assert said(BASE + named + f"[fault:x]\nserver = {place}\ndo = {do}\n") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FAULT.replace("web/a", "web/z"), "there is no server web/z"),
        (FAULT.replace("web/a", "pool wab"), "there is no pool wab"),
        (FAULT + DRILL.replace("www", "ww"), "there is no l7 ww"),
        (FAULT + DRILL.replace("www", "raw"), "raw reads no request"),
        (DRILL, "there is no fault a hangs"),
        (FAULT + DRILL + "step 500ms = drain web/b\n", "there is no server web/b"),
        (FAULT + DRILL + "expect during = by page:sory or web/a\n", "there is no page sory"),
        (FAULT + DRILL + "expect after = by web/c\n", "there is no server web/c"),
        (
            "[fault:x]\nserver = dns/d\ndo = drop\nwhen = host = a.example\n",
            "packets have no host",
        ),
        (
            "[fault:x]\nserver = web/a\ndo = rst\n",
            "rst happens to packets, and no service of layer 4 uses these servers",
        ),
        (
            FAULT.replace("hang", "tls stall"),
            "its servers are met without TLS, so no certificate is looked at",
        ),
        (FAULT.replace("hang", "lie up"), "its servers have no check, so nobody is lied to"),
        (
            "[fault:x]\nserver = checked/c\ndo = lie up\nhit = first 3\n" + CHECKED,
            "checks are no requests: each meets it",
        ),
        (FAULT.replace("hang", "dns empty"), "its servers have addresses, so no name is looked up"),
        (
            "[fault:x]\nserver = dns/d\ndo = delay 1s\nwhen = method = GET\n",
            "packets have no method",
        ),
        (
            "[fault:x]\nserver = dns/d\ndo = refuse\n",
            "refuse happens to requests, and no service of layer 7 uses these servers",
        ),
    ],
)
def test_names_that_lead_nowhere(text: str, message: str) -> None:
    assert message in said(BASE + text)


@pytest.mark.parametrize("do", ["drop", "delay 1s"])
def test_packets_and_their_clients(do: str) -> None:
    text = f"[fault:x]\nserver = dns/d\ndo = {do}\nwhen = client in 10.0.0.0/8\n"
    assert said(BASE + text) == []


def test_a_delay_of_requests_may_ask_for_more() -> None:
    assert said(BASE + "[fault:x]\nserver = web/a\ndo = delay 1s\nwhen = method = GET\n") == []


def test_where_drills_are_refused_it_is_said_once() -> None:
    (problem,) = read_ini(BASE.replace("allowed", "refused") + FAULT + DRILL).problems
    assert (problem.severity, problem.message) == ("warning", "it cannot be started here")

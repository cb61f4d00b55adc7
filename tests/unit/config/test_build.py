from __future__ import annotations

import time

from director.config.schema.tables import KINDS
from tests.support.configurations import read_ini


def test_all_mistakes_are_reported_at_once() -> None:
    loaded = read_ini("[pol:x]\n[pool:a]\nserver.a = x\nqueue = 5\n[l7:y]\npool = b\n")
    assert [(p.line, p.severity) for p in loaded.problems] == [
        (1, "error"),
        (2, "warning"),
        (4, "error"),
        (5, "error"),
        (6, "error"),
    ]


def test_a_whole_configuration() -> None:
    loaded = read_ini(
        "[director]\nname = edge\n[admin]\n[pool:web]\nserver.a = 10.0.0.1:80 weight=2\ncheck = alive\n"
        "[check:alive]\nhttp = GET /h\n[l7:www]\nlisten = :8080\npool = web\nfault = active, page sorry\n"
        "limit.body = 1m\n[rule:10 img]\nservice = www\nwhen = path ^= /i\nrespond = 404\n"
        "[page:sorry]\nfile = s.html\n"
        "[demo:red]\nlisten = :9001\n[scheduler:mine]\npython = m.py:Mine\n"
        "[test:x]\nrequest = GET /i\nheader.X-A = 1\nexpect = rule img, status 404\n",
        {"etc/s.html": "sorry"},
    )
    assert loaded.problems == ()
    found = loaded.require()
    assert found.settings.name == "edge"
    assert found.admin is not None
    assert str(found.admin.listen) == "127.0.0.1:8404"
    assert found.pools[0].servers[0].weight == 2
    assert found.checks[0].target == "/h"
    assert found.l7[0].limits.body == 2**20
    assert found.rules[0].name == "10 img"
    assert found.pages[0].body == b"sorry"
    assert found.schedulers[0].path == "etc/m.py"
    assert found.tests[0].expect == (("rule", "img"), ("status", "404"))
    assert found.tests[0].headers == (("X-A", "1"),)


def test_nearest_kind_and_form() -> None:
    hints = [p.hint for p in read_ini("[pol:x]\n[pool]\n[admin:x]\n").problems]
    assert hints == ["did you mean pool?", "write [pool:NAME]", "write [admin]"]


def test_every_kind_has_a_maker() -> None:
    """An empty section of each kind is read without surprise."""
    for kind in KINDS:
        heading = kind.heading.replace("NUMBER TITLE", "1 a")
        problems = read_ini(heading + "\n").problems
        assert not [p for p in problems if "unknown" in p.message]


def test_ten_thousand_servers() -> None:
    """Far above what it takes (0.5 s on a small machine), so that only a changed order of growth fails."""
    parts = []
    for pool in range(1000):
        servers = "".join(
            f"server.s{n} = 10.{pool // 250}.{pool % 250}.{n + 1}:80 weight={n}\n" for n in range(10)
        )
        parts.append(
            f"[pool:p{pool}]\n{servers}[l7:s{pool}]\nlisten = 127.0.0.1:{pool + 1}\npool = p{pool}\n"
        )
        parts.append(
            f"[rule:{pool + 1} r]\nservice = s0\nwhen = host = h{pool} and path ^= /a\npool = p{pool}\n"
        )
    start = time.process_time()
    assert read_ini("".join(parts)).problems == ()
    assert time.process_time() - start < 10

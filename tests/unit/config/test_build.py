from __future__ import annotations

import time

import pytest

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


@pytest.mark.parametrize(
    ("heading", "column", "message"),
    [
        ("[rule:010 images]", 1, "010 begins with a zero"),
        ("[rule:\u00b2 x]", 1, "the number is missing"),
        ("[rule:\u0661 x]", 1, "the number is missing"),
        ("[rule:images]", 1, "the number is missing"),
        ("[rule:12345678901 x]", 1, "12345678901 is too large"),
        ("[rule:1 a\u202eb]", 10, "U+202E in a title"),
        ("[rule:1 a\u200bb]", 10, "U+200B in a title"),
        ("[test:a\u2066b]", 8, "U+2066 in a title"),
        ("[pool:we b]", 9, "' ' in a name"),
        ("[pool:we=b]", 9, "'=' in a name"),
        ("[pool:a/b]", 8, "'/' in a name"),
        ("[pool:a\u202eb]", 8, "U+202E in a name"),
        ("[pool:b\u00fcro]", 8, "'\u00fc' in a name"),
        ("[pool:-a]", 7, "a name begins with -"),
        ("[pool:*]", 7, "'*' in a name"),
        ("[l7:www shop]", 8, "' ' in a name"),
        ("[l4:dns|x]", 8, "'|' in a name"),
        ("[check:a:b]", 9, "':' in a name"),
        ("[page:a%2f]", 8, "'%' in a name"),
        ('[demo:a"b]', 8, "'\"' in a name"),
        ("[scheduler:a b]", 13, "' ' in a name"),
        ("[pool:" + "a" * 129 + "]", 135, "a name of 129 characters"),
    ],
)
def test_names_that_nobody_could_print_or_address(heading: str, column: int, message: str) -> None:
    """They go into log lines, URLs and commands, where white space, `=` and `/` part things."""
    problems = read_ini(f"{heading}\nx = 1\n").problems
    assert (column, message) in [(one.column, one.message) for one in problems]


def test_titles_are_free() -> None:
    loaded = read_ini("[l7:w]\nlisten = :80\n[rule:1 b\u00fcro = 7/8 \u65e5]\nservice = w\nrespond = 404\n")
    assert [rule.name for rule in loaded.require().rules] == ["1 b\u00fcro = 7/8 \u65e5"]

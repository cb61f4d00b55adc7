"""Broken configurations: each is refused, and at the right line.  One row, one mistake (or the ones named)."""

from __future__ import annotations

import pytest

from tests.support.configurations import read_ini

GOOD = """\
[l7:www]
listen = :8080
pool = web
[pool:web]
server.a = 10.0.0.1:80
"""

RULE = GOOD + "[rule:1 a]\nservice = www\n"

ROWS: list[tuple[str, str | bytes, list[tuple[int, str]]]] = [
    ("empty", b"", [(0, "the file is empty")]),
    ("binary", b"\x7fELF\x02\x00\x00", [(0, "this is a binary file, not text")]),
    ("latin-1", "[l7:é]".encode("latin-1"), [(1, "not UTF-8")]),
    ("no section", "pool = web\n", [(1, "a key before the first section")]),
    ("open bracket", GOOD + "[pool:x\n", [(6, "a section is [kind] or [kind:name], alone on its line")]),
    ("colon for equals", GOOD + "check: alive\n", [(6, "neither a section nor key = value")]),
    ("unknown section", GOOD + "[pol:x]\n", [(6, "unknown section pol")]),
    ("section without name", GOOD + "[pool]\n", [(6, "the section needs a name")]),
    ("section with name", GOOD + "[admin:x]\n", [(6, "this section has no name")]),
    ("unknown key", GOOD + "sheduler = rr\n", [(6, "unknown key")]),
    ("duplicate section", GOOD + "[pool:web]\n", [(6, "the section is already at etc/main.ini:4")]),
    ("duplicate key", GOOD + "server.a = 10.0.0.2:80\n", [(6, "the key is already set at etc/main.ini:5")]),
    (
        "unknown pool",
        GOOD.replace("pool = web", "pool = wbe"),
        [(3, "there is no pool wbe"), (4, "no service or rule")],
    ),
    ("unknown check", GOOD + "check = alive\n", [(6, "there is no check alive")]),
    ("unknown service", GOOD + "[rule:1 a]\nservice = w\nrespond = 403\n", [(7, "there is no l7 w")]),
    (
        "unknown page",
        GOOD + "[l7:x]\nlisten = :1\nfault = page none\npool=web\n",
        [(8, "there is no page none")],
    ),
    ("unknown scheduler", GOOD + "scheduler = wcl\n", [(6, "unknown scheduler wcl")]),
    ("unknown flag", GOOD + "scheduler = sh prot\n", [(6, "sh has no flag prot")]),
    (
        "missing page file",
        GOOD + "[page:x]\nfile = none.html\n",
        [(7, "cannot read etc/none.html: No such file")],
    ),
    (
        "missing include",
        "[director]\ninclude = none.ini\n" + GOOD,
        [(2, "cannot read etc/none.ini: No such file")],
    ),
    ("bare number", GOOD + "timeout.connect = 2\n", [(6, "2 has no unit: write 2s or 2ms")]),
    (
        "microseconds of grace",
        "[director]\nshutdown_grace = 5us\n" + GOOD,
        [(2, "not a duration: '5us'")],
    ),
    (
        "bare budget",
        GOOD + "[scheduler:x]\npython = a.py:B\nbudget = 50\n",
        [(8, "50 has no unit: write 50s or 50us")],
    ),
    ("URL for address", GOOD.replace("10.0.0.1:80", "http://h:80/"), [(5, "not an address: 'http://h:80/'")]),
    ("server without host", GOOD.replace("10.0.0.1:80", ":80"), [(5, "the server's host is missing")]),
    ("control character in a header", GOOD + "[pool:\x07]\nx = 1\n", [(6, "control character U+0007")]),
    (
        "undefined variable where one is required",
        "[demo:x]\nlisten = ${NONE}\n",
        [(2, "the environment has no NONE")],
    ),
    ("tries without semicolon", GOOD + "retry = connect tries 2\n", [(6, "unknown cause 'tries'")]),
    ("bad size", GOOD.replace("pool = web", "pool = web\nlimit.line = 16q"), [(4, "not a size: '16q'")]),
    ("bad port", GOOD.replace(":8080", ":80800"), [(2, "not a port: '80800'")]),
    ("bare port", GOOD.replace(":8080", "8080"), [(2, "8080 is a port without an address")]),
    ("bad address", GOOD.replace("10.0.0.1", "10.0.0.300"), [(5, "not an IPv4 address: '10.0.0.300'")]),
    ("open IPv6", GOOD.replace("10.0.0.1", "::1"), [(5, "an IPv6 address needs brackets")]),
    ("server without port", GOOD.replace("10.0.0.1:80", "10.0.0.1"), [(5, "the port is missing")]),
    (
        "bad weight",
        GOOD.replace(":80\n", ":80\n").replace("0.1:80", "0.1:80 weight=-1"),
        [(5, "not a whole number: '-1'")],
    ),
    ("min above max", GOOD.replace("0.1:80", "0.1:80 max=2 min=3"), [(5, "min=3 is larger than max=2")]),
    ("unknown attribute", GOOD.replace("0.1:80", "0.1:80 wieght=3"), [(5, "unknown: 'wieght=3'")]),
    (
        "port taken",
        GOOD + "[demo:x]\nlisten = :8080\n",
        [(7, ":8080 is already taken by [l7:www] at etc/main.ini:2")],
    ),
    (
        "port taken on all addresses",
        GOOD + "[demo:x]\nlisten = 127.0.0.1:8080\n",
        [(7, "127.0.0.1:8080 is already taken by [l7:www] at etc/main.ini:2")],
    ),
    (
        "port taken on one address",
        GOOD.replace(":8080", "[::1]:8080") + "[demo:x]\nlisten = [::]:8080\n",
        [(7, "[::]:8080 is already taken by [l7:www] at etc/main.ini:2")],
    ),
    ("missing key", "[l7:www]\npool = web\n[pool:web]\nserver.a = h:80\n", [(1, "listen is missing")]),
    (
        "a broken condition hides nobody",
        RULE + "pool = web\nwhen = path =\n[rule:2 b]\nservice = www\npool = web\n",
        [(9, "a value is missing behind =")],
    ),
    ("no action", RULE, [(6, "the rule does nothing")]),
    ("two actions", RULE + "pool = web\nrespond = 403\n", [(9, "the rule already has pool")]),
    ("no number", GOOD + "[rule:a]\nservice = www\nrespond = 403\n", [(6, "the number is missing")]),
    (
        "equal numbers",
        RULE + "when = path = /a\npool = web\n[rule:1 b]\nservice = www\nwhen = path = /b\npool = web\n",
        [(10, "service www already has a rule 1 at etc/main.ini:6")],
    ),
    ("bad condition", RULE + "respond = 403\nwhen = path = /a and\n", [(9, "a term is missing here")]),
    (
        "bad expression",
        RULE + "respond = 403\nwhen = path ~ (a\n",
        [(9, "not a regular expression: missing )")],
    ),
    ("bad redirect", RULE + "redirect = 200 /x\n", [(8, "200 is no redirect")]),
    ("group of nothing", RULE + "redirect = 301 /x/$1\n", [(8, "no group 1 is captured by when")]),
    (
        "framing header",
        RULE + "pool = web\nset_header = Content-Length: 5\n",
        [(9, "Content-Length cannot be changed")],
    ),
    ("bad check", GOOD + "[check:x]\nhttp = /healthz\n", [(6, "no pool uses"), (7, "expected METHOD PATH")]),
    (
        "two checks in one",
        GOOD + "check = x\n[check:x]\nhttp = GET /\ntcp = connect\n",
        [(9, "a check is either http or tcp")],
    ),
    ("admin for all", GOOD + "[admin]\nlisten = :8404\n", [(7, "the admin listens on this machine only")]),
    ("workers", "[director]\nworkers = some\n" + GOOD, [(2, "not a whole number")]),
    (
        "tls",
        GOOD.replace("pool = web", "tls = a\npool=web"),
        [(3, "there is no cert a")],
    ),
    (
        "proxy protocol",
        GOOD.replace("pool = web", "pool=web\nproxy_protocol = to ::/0"),
        [(4, "from")],
    ),
    (
        "plain password",
        GOOD + "[user:ops]\npassword = hunter2\n",
        [(7, "not an argon2 hash")],
    ),
    (
        "keys of the synchronisation",
        GOOD
        + "[l4]\nsync_threshold = 50 3\nsync_version = 2\nsync_ports = 3\nsync.master = eth0 syncid 256\n"
        + "sync.backup = eth0 group 192.0.2.1\n",
        [
            (7, "expected THRESHOLD PERIOD"),
            (8, "neither 0 nor 1"),
            (9, "3"),
            (10, "256"),
            (11, "not a multicast address"),
        ],
    ),
    (
        "how long lblc remembers",
        GOOD + "[l4]\nlblc_expiration = 6h\nlblcr_expiration = 1d\n",
        [(7, "this version remembers destinations for a day")],
    ),
    (
        "layer 4's engine",
        GOOD + "[l4]\nengine = bpf\n",
        [(7, "this version has no program in the kernel")],
    ),
    (
        "marks",
        GOOD + "[l4]\nmark.x = ip 192.0.2.1\nmark.7 = tcp 192.0.2.1:80:90\n",
        [(7, "not a mark"), (8, "not a")],
    ),
    (
        "layer 4 service",
        GOOD + "[l4:x]\nvirtual = tcp 192.0.2.1:0\npool = web\n",
        [(7, "a service on all ports must be persistent")],
    ),
    (
        "sysctl without meaning",
        GOOD + "[l4]\nconntrack = 1\n",
        [(7, "this sysctl has no meaning here")],
    ),
    (
        "undefined variable",
        GOOD + "queue = ${DEPTH} for 5s\n",
        [(6, "the environment has no DEPTH")],
    ),
    (
        "test of nothing",
        GOOD + "[test:x]\nrequest = GET /\nexpect = pool wbe\n",
        [(8, "there is no pool wbe")],
    ),
    (
        "tcp with a path rule",
        RULE.replace("pool = web", "pool = web\nprotocol = tcp") + "pool=web\nwhen = path = /\n",
        [
            (10, "a service with protocol = tcp has no path"),
        ],
    ),
]


@pytest.mark.parametrize(("text", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_broken(text: str | bytes, expected: list[tuple[int, str]]) -> None:
    loaded = read_ini(text)
    assert loaded.configuration is None
    found = [(problem.line, problem.message) for problem in loaded.problems]
    assert len(found) == len(expected), found
    for (line, message), (wanted_line, wanted) in zip(found, expected, strict=True):
        assert line == wanted_line
        assert wanted in message


def test_there_are_at_least_thirty() -> None:
    assert len(ROWS) >= 30


def test_the_good_one_is_good() -> None:
    assert read_ini(GOOD).problems == ()

from __future__ import annotations

from collections.abc import Callable

import pytest

from director.config.parse.checks import (
    Expected,
    chosen,
    eject,
    expected,
    first,
    octets,
    panic,
    probe,
    question,
    script,
)
from director.config.text.messages import BadValue, render
from director.model.conditions import Term
from director.model.pools import Eject, ScriptStep
from tests.support.configurations import read_ini


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("ping", b"ping"),
        (r"a\r\n", b"a\r\n"),
        (r"\x00\xff\t\\\;", b"\x00\xff\t\\;"),
        ("ä", "ä".encode()),
    ],
)
def test_octets_are_written_with_escapes(text: str, meant: bytes) -> None:
    assert octets(text) == meant


@pytest.mark.parametrize(
    ("text", "message", "start"),
    [
        ("", "nothing is said", 0),
        (r"ab\q", r"'\\q' stands for no octet", 2),
        (r"\x0", r"'\\x' stands for no octet", 0),
        ("x" * 1025, "1025 octets are more than 1024", 0),
    ],
)
def test_what_is_no_octet_is_refused_where_it_stands(text: str, message: str, start: int) -> None:
    with pytest.raises(BadValue) as bad:
        octets(text)
    assert (bad.value.message, bad.value.start) == (message, start)


def test_a_script_has_steps() -> None:
    assert script(r"expect 220; send QUIT\r\n ; expect a\;b;") == (
        ScriptStep(send=False, octets=b"220"),
        ScriptStep(send=True, octets=b"QUIT\r\n"),
        ScriptStep(send=False, octets=b"a;b"),
    )


@pytest.mark.parametrize(
    ("text", "message", "start"),
    [
        ("", "a script has steps", 0),
        ("say hello", "a step begins with send or expect", 0),
        ("send a; b", "a step begins with send or expect", 7),
        ("send a; expect", "a step begins with send or expect", 7),
        ("send a; expect b\\", "a backslash ends the text", 16),
        (r"send a; expect \q", r"'\\q' stands for no octet", 15),
    ],
)
def test_what_is_no_script_is_refused_where_it_stands(text: str, message: str, start: int) -> None:
    with pytest.raises(BadValue) as bad:
        script(text)
    assert (bad.value.message, bad.value.start) == (message, start)


@pytest.mark.parametrize(
    "text", ["A www.example.org", "MX example.org.", "SRV _sip._tcp.example.org", "NS ."]
)
def test_a_question_is_a_type_and_a_name(text: str) -> None:
    assert question(text) == tuple(text.split())


@pytest.mark.parametrize(
    ("text", "message", "start"),
    [
        ("www.example.org", "'www.example.org' is no type of record", 0),
        ("a www.example.org", "'a' is no type of record", 0),
        ("A", "not a name: ''", 0),
        ("A ex ample", "not a name: 'ex ample'", 2),
        ("A -x.org", "not a name: '-x.org'", 2),
        ("A " + "x" * 64, f"not a name: '{'x' * 64}'", 2),
    ],
)
def test_what_is_no_question_is_refused_where_it_stands(text: str, message: str, start: int) -> None:
    with pytest.raises(BadValue) as bad:
        question(text)
    assert (bad.value.message, bad.value.start) == (message, start)


@pytest.mark.parametrize(
    ("text", "days"), [("days > 14", 14.0), ("days >= 14d", 14.0), ("days 0.5, status 200", 0.5)]
)
def test_a_certificate_must_last(text: str, days: float) -> None:
    assert expected(text).days == days


@pytest.mark.parametrize(
    ("text", "names", "needed"),
    [
        ("one", ("one",), 0),
        ("one, two", ("one", "two"), 0),
        ("all one, two", ("one", "two"), 0),
        ("any one, two", ("one", "two"), 1),
        ("2 of one, two, three", ("one", "two", "three"), 2),
        ("2 of one two", ("one", "two"), 0),
        ("any", ("any",), 0),
    ],
)
def test_checks_are_combined(text: str, names: tuple[str, ...], needed: int) -> None:
    found = chosen(text)
    assert (found.names, found.needed) == (names, needed)
    assert [text[at : at + len(name)] for at, name in found.words] == list(names)


@pytest.mark.parametrize("text", ["", "3 of one, two", "0 of one", "one, one", "any one, one"])
def test_what_is_no_combination_is_refused(text: str) -> None:
    with pytest.raises(BadValue):
        chosen(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("off", None),
        (
            "5xx, connect, empty; after 5; for 30s; max 50%",
            Eject(frozenset({"5xx", "connect", "empty"}), 5, 30.0, 0.5),
        ),
        ("timeout; max 20%; after 2", Eject(frozenset({"timeout"}), 2, 30.0, 0.2)),
        ("latency rate; for 1m", Eject(frozenset({"latency", "rate"}), 5, 60.0, 0.5)),
    ],
)
def test_an_ejection_has_causes_and_bounds(text: str, found: Eject | None) -> None:
    assert eject(text) == found


@pytest.mark.parametrize(
    ("text", "message", "start"),
    [
        ("", "the list is empty", 0),
        ("5xx, slow", "unknown cause 'slow'", 5),
        ("5xx after 5", "unknown cause 'after'", 4),
        ("5xx; after many", "not a whole number: 'many'", 11),
        ("5xx; for 30", "30 has no unit: write 30s or 30ms", 9),
        ("5xx; max 50", "not a share: '50'", 9),
        ("5xx; after 1; after 2", "expected after N, for TIME or max N%", 13),
        ("5xx; sometimes", "expected after N, for TIME or max N%", 4),
    ],
)
def test_what_is_no_ejection_is_refused_where_it_stands(text: str, message: str, start: int) -> None:
    with pytest.raises(BadValue) as bad:
        eject(text)
    assert (bad.value.message, bad.value.start) == (message, start)


def test_a_share_is_a_percentage() -> None:
    assert (panic("30%"), panic("off"), panic("12.5%")) == (0.3, 0.0, 0.125)
    for text in ("30", "101%", "-1%", "x"):
        with pytest.raises(BadValue):
            panic(text)


def test_a_check_has_one_kind() -> None:
    found = read_ini("[check:c]\nredis = ping\nport = 6380\n").require().checks[0]
    assert (found.kind, found.port) == ("redis", 6380)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("redis = ping\nsmtp = greeting\n", "a check is either redis or smtp"),
        ("smtp = greeting\nexpect = status 200\n", "a smtp check has no request"),
        ("port = 80\n", "what shall be checked?"),
        ("tcp = connect\ntls.verify = no\n", "a tcp check has no TLS of its own"),
        ("tls = handshake\nexpect = status 200\n", "the answer of a tls check has no status"),
        ("http = GET /\nexpect = days > 3\n", "the answer of a http check has no days"),
        ("grpc = a b\n", "not a service: 'a b'"),
        ("agent = connect\naddress = 10.0.0.1:80\n", "only a host"),
        ("redis = pong\n", "'pong' is none of: ping"),
        ("tcp = connect\nport = 70000\n", "70000 is out of range"),
    ],
)
def test_what_is_no_check_is_refused(lines: str, message: str) -> None:
    assert message in render(read_ini("[check:c]\n" + lines).problems)


def test_a_request_is_a_method_and_a_path() -> None:
    assert probe("GET /healthz") == ("GET", "/healthz")


ANY_GOOD = ((200, 399),)


@pytest.mark.parametrize(
    ("text", "statuses", "terms"),
    [
        ("status 200-299, 304", ((200, 299), (304, 304)), ()),
        ("body ~ ^all.good", ANY_GOOD, (Term("body", "", "~", ("^all.good",)),)),
        (
            "status 200-299, body ~ ^all.good, header X-State = ready",
            ((200, 299),),
            (Term("body", "", "~", ("^all.good",)), Term("header", "x-state", "=", ("ready",))),
        ),
        ("header X exists,status 204 205", ((204, 204), (205, 205)), (Term("header", "x", "exists"),)),
        (r'body = "a, \"b\" and c"', ANY_GOOD, (Term("body", "", "=", ('a, "b" and c',)),)),
        ("body *= all is well", ANY_GOOD, (Term("body", "", "*=", ("all is well",)),)),
        ("status = 2xx, header A in b c", ((200, 299),), (Term("header", "a", "in", ("b", "c")),)),
        ("answer = 192.0.2.1", ANY_GOOD, (Term("answer", "", "=", ("192.0.2.1",)),)),
    ],
)
def test_what_is_expected_are_terms(
    text: str, statuses: tuple[tuple[int, int], ...], terms: tuple[Term, ...]
) -> None:
    assert expected(text) == Expected(statuses, terms)


@pytest.mark.parametrize(
    ("parser", "text", "start"),
    [
        (probe, "/healthz", 0),
        (probe, "GET healthz", 4),
        (probe, "GET /é", 4),
        (expected, "200", 0),
        (expected, "", 0),
        (expected, "status 6xx", 7),
        (expected, "status ,", 6),
        (expected, "status 200, 299-200", 12),
        (expected, "status 200, path = /", 12),
        (expected, "body", 0),
        (expected, "body exists", 5),
        (expected, "body = ", 7),
        (expected, "header = x", 0),
        (expected, 'body = "open', 7),
        (expected, 'body = "a" b', 11),
    ],
)
def test_mistakes(parser: Callable[[str], object], text: str, start: int) -> None:
    with pytest.raises(BadValue) as caught:
        parser(text)
    assert caught.value.start == start
    assert caught.value.hint or "write" in caught.value.message


def test_a_broken_expression_is_shown_where_it_stands() -> None:
    with pytest.raises(BadValue, match="not a regular expression") as caught:
        expected("status 200, header X ~ (")
    assert caught.value.start == 23


def test_a_command_is_split_without_a_shell() -> None:
    lines = 'exec = bin/check -H "a b" $${HOME} | cat\nport = 81\n'
    found = read_ini("[check:c]\n" + lines).require().checks[0]
    assert found.command[0].endswith("/bin/check")
    assert found.command[0].startswith("/") or "etc" in found.command[0]
    assert found.command[1:] == ("-H", "a b", "${HOME}", "|", "cat")
    assert read_ini("[check:c]\nexec = check_http\n").require().checks[0].command == ("check_http",)
    assert "not a command: No closing quotation" in render(read_ini('[check:c]\nexec = a "b\n').problems)


@pytest.mark.parametrize(
    ("text", "meant"),
    [("up", (True, 1)), ("down", (False, 1)), ("after 1", (None, 1)), ("after 20", (None, 20))],
)
def test_what_a_new_server_counts_as(text: str, meant: tuple[bool | None, int]) -> None:
    assert first(text) == meant


@pytest.mark.parametrize(("text", "start"), [("ready", 0), ("after", 0), ("after 0", 6), ("after x", 6)])
def test_what_is_no_first_word_is_refused_where_it_stands(text: str, start: int) -> None:
    with pytest.raises(BadValue) as bad:
        first(text)
    assert bad.value.start == start

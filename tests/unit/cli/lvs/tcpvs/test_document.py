from __future__ import annotations

import pytest

from director.cli.lvs.tcpvs import document
from director.cli.lvs.tcpvs.document import DocumentError
from director.cli.lvs.tcpvs.table import TcpvsRule, TcpvsServer, TcpvsService
from director.model.pools import Address


def words(text: str) -> list[str]:
    return [one.text for one in document.tokens(text.splitlines())]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("listen=10.0.0.1:80", ["listen", "=", "10.0.0.1:80"]),
        ("virtual a{", ["virtual", "a", "{"]),
        ("a # b c\nd", ["a", "d"]),
        ("a#b c", ["a#b", "c"]),
        ('pattern "a b = { # }" x', ["pattern", "a b = { # }", "x"]),
        (r'"a\"b" c', [r"a\"b", "c"]),
        (r'"a\\b"', [r"a\\b"]),
        ('""', [""]),
        ("1 }", ["1", "}"]),
    ],
)
def test_words(text: str, found: list[str]) -> None:
    """A.3: `=` and `{` stand alone, `#` only where a word would begin, quotes with their backslashes."""
    assert words(text) == found


def test_keywords_have_no_case_and_may_be_anywhere_on_lines() -> None:
    (found,) = document.read("f", "VIRTUAL a {\n Listen\n=\n127.0.0.1:81 Server = 10.0.0.1:80 5\n}")
    assert found.service == TcpvsService("a", Address("127.0.0.1", 81))
    assert found.servers == (TcpvsServer(Address("10.0.0.1", 80), 5),)


def test_a_port_left_out_is_what_was_held() -> None:
    items = "listen = 127.0.0.1:81 listen = 127.0.0.2 server = 10.0.0.1 1 redirect = 127.0.0.1"
    (found,) = document.read("f", f"virtual a {{ {items} }}")
    assert found.service.listen == Address("127.0.0.2", 81)
    assert found.servers[0].address.port == 0
    assert found.service.redirect is None, "a redirect without a port is none"


@pytest.mark.parametrize(("written", "match"), [("match 3 ", 3), ("match 11 ", 0), ("match x ", 0), ("", 0)])
def test_a_bad_match_is_none(written: str, match: int) -> None:
    (found,) = document.read("f", f'virtual a {{\n rule = pattern "/" {written}use server 10.0.0.1:80\n}}')
    assert found.rules == ((TcpvsRule("/", match), Address("10.0.0.1", 80)),)


@pytest.mark.parametrize(
    "text",
    [
        f"virtual a {{\n{' ' * 510}\n {'x' * 513}\n}}",
        'virtual a {\n\n rule = pattern "x\n}',
        "virtual a {\n\n rule = pattern " + "x" * 256 + " use server 10.0.0.1:80\n}",
    ],
)
def test_what_is_too_long_or_never_closed_is_told_with_its_line(text: str) -> None:
    with pytest.raises(DocumentError, match=r"the config file f \(line 3\)"):
        document.read("f", text)


def test_a_block_that_never_ends() -> None:
    with pytest.raises(DocumentError, match=r"\(line 2\): parse_service error"):
        document.read("f", "virtual a {\n listen = 127.0.0.1:80\n")


def test_rules_are_written_so_that_adding_makes_their_order() -> None:
    rules = [TcpvsRule(one) for one in ("/b", "/a", ".*", "^/.*")]
    service = TcpvsService("x")
    for one in document.in_file_order(rules):
        service = service.with_rule(one)
    assert [*service.rules] == rules


def test_only_hhttp_shows_the_match() -> None:
    rule = TcpvsRule("/(a)", 1, (Address("10.0.0.1", 80),))
    for scheduler, shown in (("http", ""), ("hhttp", "match 1 ")):
        lines = [*document.block(TcpvsService("x", scheduler=scheduler, rules=(rule,)), numeric=True)]
        assert lines[-2] == f'    rule = pattern "/(a)" {shown}use server 10.0.0.1:80'


def test_notes_are_comments() -> None:
    service = TcpvsService("x", notes=("rule 100 old: redirect 301 /new",))
    lines = [*document.block(service, numeric=True)]
    assert lines[-2] == "    # rule 100 old: redirect 301 /new"
    assert [one.service for one in document.read("f", "\n".join(lines))] == [TcpvsService("x")]

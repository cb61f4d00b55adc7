from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.errors import MessageError
from director.l7.routing.templates import edited, fill, location, rewritten_target
from director.model.http import HeaderEdit
from tests.support.heads import facts, request


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("plain", "plain"),
        ("$1/$2", "one/"),
        ("${name}", "two"),
        ("${host}${path}", "a.example/p"),
        ("${uri}?${query}", "/p?q=1?q=1"),
        ("${client} ${method}", "192.0.2.7 GET"),
        ("${hash_key}${_head}${absent}", ""),
        ("$$1 $", "$1 $"),
        ("$evil", "$evil"),
        ("${split}", "aSet-Cookie: b"),
    ],
)
def test_fill(template: str, expected: str) -> None:
    found = facts(target=b"/p?q=1", host=b"A.example:80")
    found.groups = {"1": "one", "name": "two", "split": "a\r\nSet-Cookie: b"}
    assert fill(template, found) == expected


@given(st.text(max_size=20), st.text(max_size=20))
def test_no_template_can_split_a_field(template: str, value: str) -> None:
    found = facts()
    found.groups = {"1": value}
    line = edited(b"", [HeaderEdit("set", "X", "${1}$1" + template)], found)
    assert line.endswith(b"\r\n")
    assert not set(line[:-2]) & {0, 10, 13}


@pytest.mark.parametrize(
    ("template", "group", "expected"),
    [
        ("/new/$1", "a/b", b"/new/a/b?q"),
        ("new/$1", "a", b"/new/a?q"),
        ("$1", "", b"/?q"),
        ("/$1", 'a b\u00e9?#<>"', b"/a%20b%C3%A9%3F%23%3C%3E%22?q"),
        ("/$1", "a%20b", b"/a%20b?q"),
        ("/100%/$1", "a%2", b"/100%25/a%252?q"),
        ("/$1", "...", b"/...?q"),
    ],
)
def test_rewritten_target(template: str, group: str, expected: bytes) -> None:
    found = facts()
    found.groups = {"1": group}
    assert rewritten_target(template, request(target=b"/x?q"), found) == expected


@pytest.mark.parametrize(
    "group", ["../admin", "a/../../x", "..", ".", "..%2fadmin", "%2e%2e/admin", "..%5Cx", "a/./b", "%00"]
)
def test_a_group_cannot_make_the_path_climb(group: str) -> None:
    found = facts()
    found.groups = {"1": group}
    with pytest.raises(MessageError) as caught:
        rewritten_target("/app/$1", request(), found)
    assert caught.value.status == 400


BLOCK = b"Host: a\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 3\r\n"


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (HeaderEdit("set", "X-A", "3"), b"Host: a\r\nContent-Length: 3\r\nX-A: 3\r\n"),
        (HeaderEdit("add", "X-A", "3"), BLOCK + b"X-A: 3\r\n"),
        (HeaderEdit("del", "x-A"), b"Host: a\r\nContent-Length: 3\r\n"),
        (HeaderEdit("del", "X"), BLOCK),
        (HeaderEdit("set", "Host", "b"), b"X-A: 1\r\nx-a: 2\r\nContent-Length: 3\r\nHost: b\r\n"),
        (HeaderEdit("add", "Host", "b"), BLOCK),
        (HeaderEdit("del", "Host"), BLOCK),
        *(
            (HeaderEdit(verb, name, "9"), BLOCK)
            for verb in ("set", "add", "del")
            for name in (
                "Content-Length",
                "Transfer-Encoding",
                "Connection",
                "Upgrade",
                "TE",
                "Trailer",
                "Keep-Alive",
            )
        ),
    ],
)
def test_edits(edit: HeaderEdit, expected: bytes) -> None:
    assert edited(BLOCK, [edit], facts()) == expected


def test_no_client_says_what_a_rule_says() -> None:
    """RFC 3875 4.1.18: a script behind the server would take X_User for X-User."""
    block = b"X_User: client\r\nx-user: client\r\n"
    assert edited(block, [HeaderEdit("set", "X-User", "rule")], facts()) == b"X-User: rule\r\n"
    assert edited(block, [HeaderEdit("del", "X-User")], facts()) == b""


def test_edits_come_in_order() -> None:
    edits = [HeaderEdit("del", "X-A"), HeaderEdit("add", "X-A", "${host}"), HeaderEdit("add", "X-A", "5")]
    assert edited(b"X-A: 1\r\n", edits, facts()) == b"X-A: a.example\r\nX-A: 5\r\n"


@pytest.mark.parametrize(
    ("value", "group", "expected"),
    [
        # the operator's own words in UTF-8, a client's octets as they came (RFC 9110 5.5: obs-text)
        ("\u0141\u00f3d\u017a", "", b"\xc5\x81\xc3\xb3d\xc5\xba"),
        ("\u0141 $1", "\xc5\x81", b"\xc5\x81 \xc5\x81"),
        # a decoded parameter may hold what no octet is
        ("$1", "\u0141", b"\xc5\x81"),
    ],
)
def test_text_beyond_ascii(value: str, group: str, expected: bytes) -> None:
    found = facts()
    found.groups = {"1": group}
    assert edited(b"", [HeaderEdit("set", "X-City", value)], found) == b"X-City: " + expected + b"\r\n"


@pytest.mark.parametrize("group", ["a b", "a/b", "[::1", "a:99999", "a\u00e9"])
def test_no_client_makes_a_bad_host(group: str) -> None:
    found = facts()
    found.groups = {"1": group}
    with pytest.raises(MessageError) as caught:
        edited(b"Host: a\r\n", [HeaderEdit("set", "Host", "$1")], found)
    assert caught.value.status == 400


def sent_to(template: str, group: str, target: bytes = b"/p?q=1") -> str:
    r"""Where a browser goes that follows the redirect (WHATWG URL 4.4: tabs vanish, `\` is a slash)."""
    found = facts(target=target)
    found.groups = {"1": group}
    where = location(template, found)
    assert where.isascii()
    assert where.isprintable()
    assert "\\" not in where
    assert " " not in where
    return urljoin("http://a.example/x/y", where)


HOSTILE = [
    "/evil.example", "//evil.example", "///evil.example", "\\evil.example", "/\\evil.example",
    "\\/evil.example", "\t/evil.example", "/\t/evil.example", "\n//evil.example", "\x00/evil.example",
    " //evil.example", "javascript:alert(1)", "JavaScript:alert(1)", "java\tscript:alert(1)",
    "data:text/html,x",
    "https://evil.example", "https:evil.example", "http:\\\\evil.example", "@evil.example", ".evil.example",
    ":80@evil.example", "-evil.example", "evil.example", "", "?//evil.example", "#@evil.example",
    "\u00e9//evil.example", "%2F%2Fevil.example", "%5Cevil.example", "\u2028/evil.example",
]  # fmt: skip


@pytest.mark.parametrize("group", HOSTILE)
@pytest.mark.parametrize(
    "template", ["/$1", "$1", "$1/x", "/a/$1", "/${1}", "/$1$1", "$1$1", "new$1", "?to=$1"]
)
def test_a_client_cannot_leave_the_host(template: str, group: str) -> None:
    found = urlsplit(sent_to(template, group))
    assert (found.scheme, found.netloc) == ("http", "a.example")


@pytest.mark.parametrize("group", HOSTILE)
@pytest.mark.parametrize(
    "template",
    [
        "https://b.example$1",
        "https://b.example/$1",
        "https://b.example:8443$1",
        "//b.example$1",
        "https://b.example?$1",
    ],
)
def test_a_client_cannot_change_the_host_of_a_template(template: str, group: str) -> None:
    assert urlsplit(sent_to(template, group)).netloc in {"b.example", "b.example:8443"}


@pytest.mark.parametrize("template", ["/${path}", "${path}", "${uri}", "/${uri}"])
def test_nor_by_the_path_itself(template: str) -> None:
    assert urlsplit(sent_to(template, "", target=b"//evil.example/x")).netloc == "a.example"


@pytest.mark.parametrize(
    ("template", "group", "expected"),
    [
        ("https://$1.example.org/", "shop", "https://shop.example.org/"),
        ("https://$1.example.org/", "evil.com/", None),
        ("https://$1.example.org/", "evil.com#", None),
        ("https://$1.example.org/", "user@evil.com", None),
        ("https://shop-$1/x", "7", "https://shop-7/x"),
        ("https://b.example:$1/", "8443", "https://b.example:8443/"),
        ("https://b.example:$1/", "80@evil.example", None),
        ("https://$1/", "", None),
        ("https://$1/x", "other.example", "https://other.example/x"),
        ("https://${host}${uri}", "", "https://a.example/p?q=1"),
        ("https://${host}:8443${uri}", "", "https://a.example:8443/p?q=1"),
        ("$1://b.example/", "https", "https://b.example/"),
        ("$1://b.example/", "javascript", None),
        ("https://b.example/new", "", "https://b.example/new"),
        ("/to/$1", "a b%20c/100%", "/to/a%20b%20c/100%25"),
        ("/to?x=$1", "\u00f6", "/to?x=%C3%B6"),
        ("/$$/$1", "x", "/$/x"),
    ],
)
def test_locations(template: str, group: str, expected: str | None) -> None:
    """RFC 3986 3.2: a host is a name or a literal; what holds anything else is refused."""
    found = facts(target=b"/p?q=1")
    found.groups = {"1": group}
    if expected is None:
        with pytest.raises(MessageError) as caught:
            location(template, found)
        assert caught.value.status == 400
    else:
        assert location(template, found) == expected

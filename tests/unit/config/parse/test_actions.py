from __future__ import annotations

from collections.abc import Callable

import pytest

from director.config.parse import actions
from director.config.text.messages import BadValue
from director.config.text.reader import Piece, Value
from director.model.http import Children, FaultStep, HeaderEdit
from director.model.pools import Address


def value(text: str) -> Value:
    return Value(text, text, "etc/a.ini", (Piece(0, 1, 1, text),))


def test_fault_chain() -> None:
    assert actions.fault(value("active, pool b, local 127.0.0.1:8099,\n page sorry")) == (
        (0, FaultStep("active")),
        (13, FaultStep("pool", "b")),
        (22, FaultStep("local", address=Address("127.0.0.1", 8099))),
        (44, FaultStep("page", "sorry")),
    )


def test_causes_of_the_fault_chain() -> None:
    assert actions.fault_on("connect, timeout no_server") == ("connect", "timeout", "no_server")


@pytest.mark.parametrize(
    ("text", "what", "at"),
    [
        ("connect, time", "'time' is none of", 9),
        ("empty, empty", "named twice", 7),
        ("", "no cause", 0),
    ],
)
def test_mistakes_of_the_causes(text: str, what: str, at: int) -> None:
    with pytest.raises(BadValue, match=what) as caught:
        actions.fault_on(text)
    assert caught.value.start == at


@pytest.mark.parametrize(
    ("text", "start"), [("", 0), ("activ", 0), ("active, page", 8), ("page a b", 7), ("local x", 6)]
)
def test_mistakes_of_the_fault_chain(text: str, start: int) -> None:
    with pytest.raises(BadValue) as caught:
        actions.fault(value(text))
    assert caught.value.start == start


def test_actions_of_rules() -> None:
    assert actions.redirect("301 https://example.org/$1") == (301, "https://example.org/$1")
    assert actions.respond("403 Not from here.") == (403, "Not from here.")
    assert actions.respond("204") == (204, "")
    assert actions.rewrite_path("/v2/$1") == "/v2/$1"
    assert actions.set_header("X-A: 1\nX-B: a: b") == (
        HeaderEdit("set", "X-A", "1"),
        HeaderEdit("set", "X-B", "a: b"),
    )
    assert actions.add_header("X-A: 1") == (HeaderEdit("add", "X-A", "1"),)
    assert actions.del_header("X-A, X-B\nX-C") == tuple(
        HeaderEdit("del", name) for name in ("X-A", "X-B", "X-C")
    )
    assert actions.template_groups("/$1/${name}/$$1") == [(1, "1"), (4, "name")]


@pytest.mark.parametrize(
    ("parser", "text", "start"),
    [
        # the query goes on by itself, and a `?` of the template would be a part of the path
        (actions.rewrite_path, "/v2/$1?x=1", 6),
        (actions.rewrite_path, "/v2#x", 3),
        # RFC 3986 3: what a browser would read as another host, or as none
        (actions.redirect, "302 https:$1", 10),
        (actions.redirect, "302 https:/$1", 10),
        (actions.redirect, "302 https:///$1", 10),
        (actions.redirect, "302 /\\$1", 5),
        (actions.redirect, '302 /a"b', 6),
        (actions.set_header, "Host: a b", 6),
        (actions.set_header, "X-A: 1\nHost: a/b", 13),
        (actions.set_header, "Content_Length: 3", 0),
        (actions.del_header, "X-A, Transfer_Encoding", 4),
    ],
)
def test_what_would_not_say_what_it_seems_to_say(
    parser: Callable[[str], object], text: str, start: int
) -> None:
    with pytest.raises(BadValue) as caught:
        parser(text)
    assert caught.value.start == start


def test_what_says_it() -> None:
    for text in (
        "301 /new",
        "302 https://${host}${uri}",
        "303 //cdn.example/$1",
        "302 mailto:a@example.org",
        "302 $1",
    ):
        assert actions.redirect(text)[1] == text[4:]
    assert actions.set_header("Host: $1.example:8080")[0].value == "$1.example:8080"
    assert actions.set_header("X-City: \u0141\u00f3d\u017a")[0].value == "\u0141\u00f3d\u017a"


def test_hash_keys() -> None:
    for text in ("path.1", "host", "client", "cookie sid", "query q"):
        assert actions.hash_key(text) == text
    assert actions.hash_key("header X-Id") == "header x-id"


def test_tests() -> None:
    assert actions.request("GET http://a/b") == ("GET", "http://a/b")
    assert actions.expectations("rule images, status 301") == ((5, "rule", "images"), (20, "status", "301"))
    assert actions.client("::1") == "::1"


@pytest.mark.parametrize(
    ("parser", "text", "start"),
    [
        (actions.redirect, "301", 0),
        (actions.redirect, "200 /x", 0),
        (actions.redirect, "301 /é", 5),
        (actions.respond, "no", 0),
        (actions.respond, "100", 0),
        (actions.rewrite_path, "x", 0),
        (actions.rewrite_path, "/a b", 2),
        (actions.rewrite_path, "/a/../b", 2),
        (actions.rewrite_path, "/a/%2E%2e", 2),
        (actions.set_header, "X-A: 1\nX-B", 7),
        (actions.add_header, "X-A: 1\nHost: b", 7),
        (actions.del_header, "X-A,host", 4),
        (actions.set_header, "X A: 1", 0),
        (actions.set_header, "Transfer-Encoding: x", 0),
        (actions.template_groups, "/${a", 1),
        (actions.hash_key, "cookie", 0),
        (actions.hash_key, "foo", 0),
        (actions.request, "/x", 0),
        (actions.request, "GET", 0),
        (actions.request, "GET x", 4),
        (actions.expectations, "rule", 0),
        (actions.expectations, "rule a, polo b", 8),
        (actions.expectations, "status 3xx", 7),
        (actions.expectations, ",", 0),
        (actions.client, "10.0.0.0/8", 0),
        (actions.proxy_protocol, "10.0.0.0/8", 0),
        (actions.proxy_protocol, "from x", 5),
        (actions.certificates, "a, a", 3),
        (actions.certificates, ",", 0),
        (actions.certificates, "acme", 0),
        (actions.certificates, "a, acme *.b.example", 8),
        (actions.certificates, "acme a.example a.example", 15),
        (actions.certificates, "acme Shop.example", 5),
        (actions.certificates, "acme shop", 5),
        (actions.certificates, "acme ../x.y", 5),
        (actions.acme_directory, "http://ca.example/dir", 0),
        (actions.acme_directory, "ca.example", 0),
        (actions.contact, "ops", 0),
    ],
)
def test_mistakes(parser: Callable[[str], object], text: str, start: int) -> None:
    with pytest.raises(BadValue) as caught:
        parser(text)
    assert caught.value.start == start


def test_names_of_acme_belong_together() -> None:
    found = actions.certificates("shop, acme a.example  b.example, wild more")
    assert found == ((0, "shop"), (6, "acme a.example b.example"), (33, "wild"), (38, "more"))
    assert actions.acme_directory("http://127.0.0.1:1/d") == "http://127.0.0.1:1/d"


def test_the_numbers_of_children_of_ktcpvs() -> None:
    """`lvs-semantics` A.4: 8, 6 and 18 where nothing is said."""
    assert actions.children("startservers 4, maxspareservers 9") == Children(4, 6, 9)
    assert actions.children("minspareservers 1") == Children(8, 1, 18)
    for text, at in (("startservers", 0), ("servers 4", 0), ("startservers 1, minspareservers 0", 32)):
        with pytest.raises(BadValue) as caught:
            actions.children(text)
        assert caught.value.start == at, text

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from random import Random
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.errors import MessageError
from director.l7.http.target import check_host, host_name, parse_target, readings
from tests.support.raising import nothing_raised


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        # RFC 9112 3.2.2: absolute-form
        (b"GET", b"http://a.example/x?y", (b"a.example", b"/x?y", b"/x", b"?y")),
        (b"GET", b"HTTP://a.example:80/x", (b"a.example:80", b"/x", b"/x", b"")),
        (b"GET", b"https://[::1]:8443/", (b"[::1]:8443", b"/", b"/", b"")),
        (b"GET", b"http://a.example", (b"a.example", b"/", b"/", b"")),
        (b"GET", b"http://a.example?x=1", (b"a.example", b"/?x=1", b"/", b"?x=1")),
        # RFC 9112 3.2.4: asterisk-form, and OPTIONS for an authority without a path
        (b"OPTIONS", b"*", (None, b"*", b"*", b"")),
        (b"OPTIONS", b"http://a.example", (b"a.example", b"*", b"*", b"")),
        (b"OPTIONS", b"http://a.example/", (b"a.example", b"/", b"/", b"")),
    ],
)
def test_forms(method: bytes, target: bytes, expected: tuple[bytes | None, ...]) -> None:
    assert parse_target(method, target) == expected


@pytest.mark.parametrize(
    "target",
    [
        b"*", b"**", b"*/", b"x", b"?x", b"a.example:80", b"http:", b"http:/", b"http://", b"http:///x", b"http://:80/",
        b"http://u@a.example/", b"http://u:p@a.example/", b"http://a.example/#f", b"http://a.example#f",
        b"http://a.example:99999/", b"http://a.example:x/", b"http://a.example:80:80/", b"http://[::1/",
        b"http://[::g]/", b"http://[:::]/", b"http://[1.2.3.4]/", b"http://[v1.a]/", b"http://::1/", b"http://a\\b/",
        b"ftp://a.example/", b"httpx://a.example/", b"http://a.example/\xc3\xa9", b'http://a.example/"',
        b"http://a%zz/",
    ],
)  # fmt: skip
def test_other_targets_are_refused(target: bytes) -> None:
    with pytest.raises(MessageError) as caught:
        parse_target(b"GET", target)
    assert caught.value.status == 400


@pytest.mark.parametrize("target", [b"a.example:443", b"/", b"*", b"http://a.example/"])
def test_connect_is_not_offered(target: bytes) -> None:
    with pytest.raises(MessageError) as caught:
        parse_target(b"CONNECT", target)
    assert caught.value.status == 501


@pytest.mark.parametrize(
    "value",
    [
        # RFC 9110 7.2, RFC 3986 3.2.2; an empty Host is legal
        b"", b"a", b"a.example", b"a.example.", b"A-1.example:8080", b"a.example:", b"a.example:0",
        b"a.example:65535",
        b"192.0.2.1", b"192.0.2.1:80", b"[::1]", b"[2001:db8::1]:80", b"[::ffff:192.0.2.1]", b"_srv.example",
        b"xn--bcher-kva",
        b"a!$&'()*+,;=b", b"%41",
    ],
)  # fmt: skip
def test_good_hosts(value: bytes) -> None:
    with nothing_raised(f"{value!r} is a host"):
        check_host(value)


@pytest.mark.parametrize(
    "value",
    [
        b"a b", b"a/b", b"/", b"a?b", b"a#b", b"u@a", b"a\\b", b'"a"', b"<a>", b"a\tb", b"a\x01", b"a\x7f",
        b"a\xc3\xa9",
        b"http://a", b"a:80:80", b"a:-1", b"a:+80", b"a:8o", b"a:65536", b"a:123456", b"[::1", b"::1]", b"[]",
        b"[::1]x",
        b"[::1]:x", b"[g::1]", b"[::1%25eth0]", b"::1", b"a%", b"a%4", b"a%zz", b"{a}", b"a|b", b"a^b",
        b"[1.2.3.4]",
        b"[:::]", b"[1:2:3:4:5:6:7:8:9]", b"[....]",
    ],
)  # fmt: skip
def test_bad_hosts(value: bytes) -> None:
    with pytest.raises(MessageError) as caught:
        check_host(value)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("path", "first", "others"),
    [
        (b"/", b"/", ()),
        (b"*", b"*", ()),
        (b"/a/b", b"/a/b", ()),
        # RFC 3986 6.2.2.2 and 2.3: unreserved characters are decoded, others keep their escape in upper case
        (b"/%61%7e%2d", b"/a~-", ()),
        (b"/%c3%a9%20", b"/%C3%A9%20", ()),
        (b"/%25%36%31", b"/%2561", ()),
        # RFC 3986 5.2.4: the RFC's own example
        (b"/a/b/c/./../../g", b"/a/g", ()),
        (b"/./a", b"/a", ()),
        (b"/a/.", b"/a/", ()),
        (b"/a/..", b"/", ()),
        (b"/a/../b/", b"/b/", ()),
        (b"/...", b"/...", ()),
        (b"/..a/b..", b"/..a/b..", ()),
        (b"/.hidden", b"/.hidden", ()),
        (b"/a/%2e%2E/b", b"/b", ()),
        (b"/a/.%2e/b", b"/b", ()),
        # a server may take doubled slashes for one, and %2F for a slash
        (b"//denied/x", b"//denied/x", (b"/denied/x",)),
        (b"/a//b", b"/a//b", (b"/a/b",)),
        (b"/a///", b"/a///", (b"/a/",)),
        (b"/%2fdenied", b"/%2Fdenied", (b"/denied",)),
        (b"/a%2Fb", b"/a%2Fb", (b"/a/b",)),
        (b"/a//./b", b"/a//b", (b"/a/b",)),
        # a server may take an escaped backslash for a slash, or leave it what it is
        (b"/%5cdenied", b"/%5Cdenied", (b"/denied",)),
        (b"/%2f%5ca", b"/%2F%5Ca", (b"/a", b"/%5Ca")),
        # a server may drop what is behind a semicolon (RFC 3986 3.3), before or after it decodes
        (b"/denied;a=b/x", b"/denied;a=b/x", (b"/denied/x",)),
        (b"/;/denied/x", b"/;/denied/x", (b"/denied/x",)),
        (b"/denied%3ba/x", b"/denied%3Ba/x", (b"/denied/x",)),
        (b"/a;b%2fc/x", b"/a;b%2Fc/x", (b"/a/c/x", b"/a/x")),
        (b"/a;b", b"/a;b", (b"/a",)),
        (b"/.;a/b", b"/.;a/b", (b"/b",)),
    ],
)
def test_readings(path: bytes, first: bytes, others: tuple[bytes, ...]) -> None:
    assert readings(path) == (first, others)


@pytest.mark.parametrize(
    "path",
    [
        b"/..", b"/../", b"/a/../../b", b"/%2e%2e/a", b"/.%2e/a", b"/./../a", b"/a%2f../../..",
        b"/a//../../../b",
        b"/%2f..", b"/%5c..%5c..", b"/%", b"/%4", b"/%zz", b"/%%41", b"/%u0041", b"/%00", b"/a%00.png",
        b"/%2",
        # up, in a path whose segments servers count differently
        b"/x%2f..%2fdenied", b"/x/..%2fdenied", b"/x/%2e%2e%2fdenied", b"/a//../denied", b"/x%5C..%5Cdenied",
        b"/x%5cy/../denied", b"/a/..;/denied", b"/a/..;b=c/denied", b"/a/..%3b/denied",
        b"/denied%2f..", b"//a/..",
    ],
)  # fmt: skip
def test_paths_without_a_safe_reading(path: bytes) -> None:
    with pytest.raises(MessageError) as caught:
        readings(path)
    assert caught.value.status == 400


SEGMENTS = st.lists(
    st.sampled_from(
        [b"a", b"%61", b"", b".", b"..", b"%2e", b"%2E%2e", b"b%2Fc", b"%5C", b"%c3", b"~", b"..", b"a;b"]
    ),
    max_size=7,
)


@given(SEGMENTS)
def test_a_reading_is_its_own_reading(segments: list[bytes]) -> None:
    """Normalising again changes nothing; no reading has a dot segment left."""
    try:
        first, others = readings(b"/" + b"/".join(segments))
    except MessageError:
        return
    for path in (first, *others):
        assert path.startswith(b"/")
        assert not {b".", b".."} & set(path.split(b"/"))
    assert readings(first)[0] == first
    for other in others:
        assert readings(other)[0] == other


@given(st.binary(max_size=40))
def test_targets_raise_nothing_but_message_errors(target: bytes) -> None:
    for act in (
        lambda: parse_target(b"GET", target),
        lambda: check_host(target),
        lambda: readings(b"/" + target),
    ):
        try:
            act()
        except MessageError as error:
            assert error.status == 400  # noqa: PT017


# --- what servers make of a path ----------------------------------------------------------


def _resolved(path: bytes) -> bytes:
    """RFC 3986 5.2.4 for servers that stay at the root."""
    kept: list[bytes] = []
    segments = path.split(b"/")[1:]
    for segment in segments:
        if segment == b"..":
            del kept[-1:]
        elif segment != b".":
            kept.append(segment)
    return b"/" + b"/".join(kept) + (b"/" if kept and segments[-1] in {b".", b".."} else b"")


def _servers() -> Iterator[Callable[[bytes], bytes]]:
    """Servers that drop parameters, decode, merge slashes and resolve dots, each or not, early or late."""

    def plain(path: bytes) -> bytes:
        return re.sub(
            rb"%(2E|6[0-9A-F]|7[0-9A])", lambda one: bytes.fromhex(one[1].decode()), path, flags=re.IGNORECASE
        )

    def windows(path: bytes) -> bytes:
        return unquote_to_bytes(path).replace(b"\\", b"/")

    for decode, early, late in itertools.product((plain, unquote_to_bytes, windows), range(8), range(4)):

        def server(path: bytes, decode: Any = decode, early: int = early, late: int = late) -> bytes:
            for step in (early, None, late):
                if step is None:
                    path = decode(path)
                    continue
                path = re.sub(rb"/+", b"/", path) if step & 1 else path
                path = re.sub(rb";[^/]*", b"", path) if step & 2 else path
                path = _resolved(path) if step & 4 else path
            return _resolved(re.sub(rb"/+", b"/", path) if late & 1 else path)

        yield server


@pytest.mark.parametrize("seed", range(4))
def test_no_kind_of_server_reads_a_path_that_no_rule_saw(seed: int) -> None:
    random, servers = Random(seed), list(_servers())
    pieces = [b"/", b"//", b"denied", b"/denied/", b"a", b"..", b".", b";", b";x"]
    pieces += [b"%2f", b"%5C", b"%3b", b"%2e%2E", b"%64enied"]
    passed = 0
    for _ in range(1500):
        path = b"/" + b"".join(random.choices(pieces, k=random.randint(1, 9)))
        try:
            first, others = readings(path)
        except MessageError:
            continue
        if not any(one.startswith(b"/denied/") for one in (first, *others)):
            passed += 1
            assert not any(server(path).startswith(b"/denied/") for server in servers), path
    assert passed > 400


@pytest.mark.parametrize(
    "path", [b"/a/../b;x=1", b"/a;x=1/../b", b"/a/../b//c", b"/a/../b%2Fc", b"/a.../..b//c"]
)
def test_going_up_where_all_servers_agree_is_legal(path: bytes) -> None:
    assert readings(path)


@pytest.mark.parametrize("piece", [b"/", b"/;", b"/a;x", b"/%2F", b"/."])
def test_a_path_as_long_as_a_request_line_is_read_in_one_pass(piece: bytes) -> None:
    """A search that starts anew at each slash would stop the loop here."""
    path = piece * (16000 // len(piece))
    first, others = readings(path)
    assert len(first) <= len(path)
    assert len(others) <= 4


@pytest.mark.parametrize("piece", [b"/a/..;", b"//..", b"/%2F.."])
def test_a_long_path_that_goes_up_is_refused_in_one_pass(piece: bytes) -> None:
    with pytest.raises(MessageError):
        readings(b"/a" * 4000 + piece * 1000)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (b"", ""), (b"A.example:80", "a.example"), (b"a.example.", "a.example"), (b"[::1]:80", "[::1]"),
        (b"[2001:DB8::1]", "[2001:db8::1]"),
        (b"a:", "a"),
        # RFC 3986 6.2.2.2: an escaped unreserved character is that character; others stay escaped
        (b"%64enied%2Eexample", "denied.example"), (b"%41.example%2e", "a.example"),
        (b"a%2Fb%3a1", "a%2fb%3a1"),
        # RFC 5952: one spelling of an IPv6 address
        (b"[0:0:0:0:0:0:0:1]", "[::1]"), (b"[::0001]:80", "[::1]"),
        (b"[2001:DB8:0:0:1::]", "[2001:db8:0:0:1::]"),
    ],
)  # fmt: skip
def test_host_names(value: bytes, name: str) -> None:
    assert host_name(value) == name

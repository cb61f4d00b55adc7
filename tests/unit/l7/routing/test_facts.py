from __future__ import annotations

import pytest
from zope.interface.verify import verifyObject

from director.errors import MessageError
from director.interfaces import IKey
from director.l7.routing.facts import ConnectionFacts, RequestFacts
from tests.support.heads import PEER, facts, request


def test_both_are_keys() -> None:
    assert verifyObject(IKey, facts())
    assert verifyObject(IKey, ConnectionFacts(PEER))


def test_what_a_request_says() -> None:
    found = facts(b"X-A: 1", b"x-a: 2", target=b"/%41//b?c=%20d&c=e&f&g+h=i+j", host=b"WWW.Example.org.:80")
    assert (found.method, found.uri, found.version) == ("GET", "/%41//b?c=%20d&c=e&f&g+h=i+j", "1.1")
    assert (found.path, found.other_paths, found.host) == ("/A//b", ("/A/b",), "www.example.org")
    assert (found.client, found.client_port, found.virtual, found.virtual_port) == (
        "192.0.2.7",
        40000,
        "198.51.100.1",
        80,
    )
    assert (found.client_number, found.virtual_number) == (0xC0000207, 0xC6336401)
    assert (found.header("x-a"), found.header("x"), found.header("\u2028")) == ("1, 2", None, None)
    assert [found.query(name) for name in ("c", "f", "g h", "x")] == [" d", "", "i j", None]
    assert found.group(1) is None
    found.groups = {"1": "g"}
    assert (found.group(1), found.group(2)) == ("g", None)
    assert RequestFacts(request(minor=0), PEER, "192.0.2.1").version == "1.0"


def test_a_path_without_a_safe_reading_is_refused() -> None:
    for target in (b"/..", b"/%2e%2e", b"/%00", b"/%zz", b"/x%2f..%2f.."):
        with pytest.raises(MessageError):
            facts(target=target)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        # RFC 6265 4.2
        ((), None),
        ((b"Cookie: sid=1",), "1"),
        ((b"Cookie: a=0; sid=1; sid=2",), "1"),
        ((b"Cookie: xsid=0;sid=1",), "1"),
        ((b"Cookie: a=sid; b=1",), None),
        ((b"Cookie: sid",), None),
        ((b"Cookie: sid=",), ""),
        ((b'Cookie: sid="a=b"',), "a=b"),
        ((b"Cookie: a=0", b"Cookie: sid=1"), "1"),
        ((b"Cookie: SID=1",), None),
        ((b"Cookie: ;;=;sid=1;",), "1"),
    ],
)
def test_cookies(lines: tuple[bytes, ...], expected: str | None) -> None:
    assert facts(*lines).cookie("sid") == expected


def test_of_a_connection_only_its_ends_are_known() -> None:
    found = ConnectionFacts(PEER)
    assert (found.client, found.client_number, found.virtual_number) == ("192.0.2.7", 0xC0000207, 0xC6336401)
    named = (found.header("a"), found.cookie("a"), found.query("a"))
    assert (found.host, found.path, *named, found.group(1)) == (
        "", "", None, None, None, None,
    )  # fmt: skip

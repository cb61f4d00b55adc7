from __future__ import annotations

import pytest

from director.config.parse.expressions import parse_condition
from director.config.text.messages import BadValue
from director.l7.http.target import readings
from director.model.conditions import terms


def values(text: str) -> tuple[str, ...]:
    (term,) = terms(parse_condition(text))
    return term.values


@pytest.mark.parametrize(
    ("text", "at", "hint"),
    [
        # RFC 3986 6.2.2: escapes have capital digits, and unreserved characters none
        ("path ^= /verwaltung/\u00f6ffnen", 20, "write /verwaltung/%C3%B6ffnen"),
        ("path ^= /caf%c3%a9/admin", 12, "write /caf%C3%A9/admin"),
        ("path = /%41dmin", 8, "write /Admin"),
        ("path = /%7euser", 8, "write /~user"),
        ("path in /a /b%2f", 13, "write /b%2F"),
        ("path $= %5bx%5d", 8, "write [x]"),
        ('path = "/a b"', 10, "write /a%20b"),
        ("path = /a\\b", 9, "write /a%5Cb"),
        ("path = /a#b", 9, "write /a%23b"),
        ("path = /<x>", 8, "write /%3Cx%3E"),
        ("path = /a%zz", 9, "write %25 for a %"),
        ("path = /a%00", 9, "write %25 for a %"),
        ("path = /a/../b", 9, "write the path that it leads to"),
        ("path ^= /a/./b", 10, "write the path that it leads to"),
        ("path = /a/..", 9, "write the path that it leads to"),
        ("path $= /.", 8, "write the path that it leads to"),
        ("path = a", 7, "write /a"),
        ("uri ^= \u00f6", 7, "write /\u00f6; the host is the fact host"),
        ("uri *= \u00f6", 7, "write %C3%B6"),
        ("uri ^= http://a/", 7, "write /http://a/; the host is the fact host"),
        ("path ~ ^/\u00f6", 9, "write %C3%B6"),
        ("path ~ ^/caf%c3", 12, "write %C3"),
        ("path = /a%", 9, "write %25 for a %"),
        ("path in /a /a%4", 13, "write %25 for a %"),
        ("path $= %", 8, "write %25 for a %"),
        ("path ~ ^/%61dmin", 9, "write a"),
        ("path ~ (?i)/%7Euser", 12, r"write \~"),
        ("path ~ [x%41]%2Emp3$", 13, r"write \."),
        ("host = ::1", 7, "write [::1]"),
        ("host in a 2001:db8::1", 10, "write [2001:db8::1]"),
        ("host = [::1]:80", 7, "write [::1]"),
        ("host = a:80", 7, "write a"),
        ("host = [::zz]", 7, None),
        ("host = [1:2]", 7, None),
        ("host ^= ::1", 8, "write [::1"),
        ("host $= .org.", 8, "write .org"),
        ("host = m\u00fcnchen.de", 8, "write xn--mnchen-3ya.de, as browsers send it"),
        ("client in 10.0.0.1/8", 10, "write 10.0.0.0/8"),
        ("client = ::ffff:10.0.0.1/104", 9, None),
        ("client = example.org", 9, None),
        (r'cookie c = "\"a\""', 12, "write a"),
        ('header X-A = " x"', 14, "write x"),
        ('header X-A = "x "', 15, "write x"),
        ('header "X A" = x', 8, None),
        ("cookie c = a;b", 12, "leave it out"),
        ("version = 3", 10, "known: 1.0 1.1 2"),
        ("method = GE/T", 9, None),
    ],
)
def test_what_can_never_match_is_refused_at_its_column(text: str, at: int, hint: str | None) -> None:
    with pytest.raises(BadValue) as caught:
        parse_condition(text)
    assert caught.value.start == at
    assert hint is None or caught.value.hint == hint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("path = /caf%C3%A9", "/caf%C3%A9"), ("path ^= /a%C3", "/a%C3"), ("path *= %2", "%2"),
        ("path $= .png", ".png"), ("path = /a[1]|^", "/a[1]|^"), ("path *= /..", "/.."),
        ("path = //a", "//a"), ("path = *", "*"), ("uri = /%c3?\u0022{}", None), ("uri $= ?x=%c3", "?x=%c3"),
        ("host = [0:0::1]", "[::1]"), ("host *= ::1", "::1"), ("host = EXAMPLE.org.", "example.org"),
        ("host in *.EXAMPLE.org", "*.example.org"), ("host ^= [2001:", "[2001:"), ("host $= :1]", ":1]"),
        ("client in ::ffff:10.0.0.0/104", "10.0.0.0/8"), ("client = ::ffff:10.1.1.1", "10.1.1.1/32"),
        ("client in ::ffff:0:0/96", "0.0.0.0/0"), ("client in ::/0", "::/0"),
        ("client in 2001:db8::/32", None),
        ("header X = caf\u00e9", "caf\xe9"),
        ("header X-City = \u0141\u00f3d\u017a", "\xc5\x81\xc3\xb3d\xc5\xba"),
        ('header X *= " x"', " x"), ("query q = \u0141", "\u0141"), ('query q = "a b"', "a b"),
    ],
)  # fmt: skip
def test_what_can_match_is_compared_as_it_comes(text: str, expected: str | None) -> None:
    (value,) = values(text)
    assert expected is None or value == expected


@pytest.mark.parametrize("text", ["path ~ [%41]", "path ~ %61?", "path ~ %2F", "uri ~ %61", "path ~ []%41]"])
def test_expressions_that_can_match_are_taken(text: str) -> None:
    assert values(text)


@pytest.mark.parametrize("path", ["/caf%C3%A9/admin", "/a[1]", "/a%20b", "/~user", "/a%2Fb", "/a%25"])
def test_the_spelling_that_is_taken_is_the_one_that_requests_have(path: str) -> None:
    assert values(f"path = {path}") == (readings(path.encode())[0].decode(),)

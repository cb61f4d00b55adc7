from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.config.parse.expressions import parse_condition, written
from director.config.text.messages import BadValue
from director.model.conditions import And, Not, Or, Term
from tests.unit.config.reading import refuses_at_a_place


def test_the_examples_of_the_design() -> None:
    assert parse_condition("host in img.example.org *.img.example.org or path ^= /images/") == Or(
        (
            Term("host", "", "in", ("img.example.org", "*.img.example.org")),
            Term("path", "", "^=", ("/images/",)),
        )
    )
    assert parse_condition("path ~ ^/users/([^/]+)/") == Term("path", "", "~", ("^/users/([^/]+)/",))
    assert parse_condition("path = /old and not method = POST") == And(
        (
            Term("path", "", "=", ("/old",)),
            Not(Term("method", "", "=", ("POST",))),
        )
    )


def test_and_binds_before_or_and_not_before_and() -> None:
    a, b, c = (Term("method", "", "=", (name,)) for name in "ABC")
    text = "method = A or not method = B and method = C"
    assert parse_condition(text) == Or((a, And((Not(b), c))))
    assert parse_condition("(method = A or method = B) and method = C") == And((Or((a, b)), c))


def test_values() -> None:
    assert parse_condition('header X-Id = "a \\"b\\" c"') == Term("header", "x-id", "=", ('a "b" c',))
    assert parse_condition("cookie SID exists") == Term("cookie", "SID", "exists")
    assert parse_condition("(path ~ ^/(a|b))") == Term("path", "", "~", ("^/(a|b)",))
    assert parse_condition(r"path ~ ^/a\)b") == Term("path", "", "~", (r"^/a\)b",))
    assert parse_condition("client in 10.0.0.0/8, ::1") == Term("client", "", "in", ("10.0.0.0/8", "::1/128"))
    assert parse_condition('path = "/and"') == Term("path", "", "=", ("/and",))
    assert parse_condition("HOST = x".lower() + ".ORG") == Term("host", "", "=", ("x.org",))
    assert parse_condition("method in GET HEAD") == Term("method", "", "in", ("GET", "HEAD"))
    assert parse_condition("version = HTTP/1.0") == Term("version", "", "=", ("1.0",))


@pytest.mark.parametrize(
    ("text", "start", "message"),
    [
        ("", 0, "a term is missing here"),
        ("hots = a", 0, "unknown fact hots"),
        ("host = a b", 9, "expected and, or, or the end"),
        ("host = a && path = /", 9, "expected and, or, or the end"),
        ("host == a", 5, "== is not an operator"),
        ("host != a", 5, "!= is not an operator"),
        ("host", 4, "expected an operator behind host"),
        ("host =", 6, "a value is missing behind ="),
        ("host = and path = /x", 7, "a value is missing behind ="),
        ("host in", 7, "a value is missing behind in"),
        ("(host = a", 0, "this parenthesis is never closed"),
        ("host = a)", 8, "a parenthesis that nothing opened"),
        ("host = a and", 12, "a term is missing here"),
        ("host = a and or", 13, "a term is missing before or"),
        ("not", 3, "a term is missing here"),
        ("header = 5", 7, "header needs a name"),
        ('header x = "foo', 11, "this quote is never closed"),
        ("path ~ a(b", 8, "not a regular expression: missing ), unterminated subpattern"),
        ("path = images", 7, "a path begins with /"),
        ("path ^= /a?b", 10, "the path ends before the ?"),
        ("path exists", 5, "every request has a path"),
        ("host = *.a", 7, "no wildcard is known here"),
        ("host = a:80", 7, "the host is compared without its port"),
        ("host in [::1]:80", 8, "the host is compared without its port"),
        ("client = foo", 9, "not a network: 'foo'"),
        ("client in 10.0.0.1/8", 10, "10.0.0.1/8 is not the network's first address"),
        ("client ^= 10.", 7, "client takes = and in only"),
        ("version = 3", 10, "unknown version 3"),
        ("method = G(T", 9, "not a method: 'G(T'"),
        ('header x ^= ""', 13, "an empty value says nothing"),
        ("! host = a", 0, "! is not of this language"),
        ("((" * 30 + "host = a" + "))" * 30, 50, "nested deeper than 50"),
    ],
)
def test_mistakes_have_their_column(text: str, start: int, message: str) -> None:
    with pytest.raises(BadValue) as caught:
        parse_condition(text)
    assert (caught.value.start, caught.value.message) == (start, message)


WORDS = [
    "host",
    "path",
    "header",
    "x",
    "=",
    "^=",
    "~",
    "in",
    "exists",
    "and",
    "or",
    "not",
    "(",
    ")",
    '"',
    "/a",
    "(b",
]


@given(st.lists(st.sampled_from(WORDS), max_size=12), st.sampled_from(["", " "]))
def test_nothing_but_bad_value_is_raised(words: list[str], space: str) -> None:
    refuses_at_a_place(parse_condition, space.join(words))


@given(st.text(min_size=1, max_size=30, alphabet=st.characters(min_codepoint=32, max_codepoint=126)))
def test_a_value_that_is_written_is_read_as_the_same(value: str) -> None:
    # Of all facts a query parameter's value can be anything.
    found = parse_condition(f"query x = {written(value)}")
    assert found == Term("query", "x", "=", (value,))


def test_a_value_is_bare_where_it_can_be() -> None:
    assert [written(one) for one in ("/images/", "^/users/([^/]+)/", "a b", "and", ")", '"', "a,b")] == [
        "/images/", "^/users/([^/]+)/", '"a b"', '"and"', '")"', '"\\""', '"a,b"',
    ]  # fmt: skip

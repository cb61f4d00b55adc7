from __future__ import annotations

import json

from director.admin.answers import (
    SECURITY_HEADERS,
    Refusal,
    as_array,
    as_error,
    as_html,
    as_json,
    as_object,
    as_text,
    see_other,
)


def test_json_ends_with_a_newline_and_keeps_unicode() -> None:
    answer = as_json({"a": "ä"})
    assert answer.body == b'{"a":"\xc3\xa4"}\n'
    assert answer.type == "application/json"


def test_lone_surrogates_do_not_break_an_answer() -> None:
    assert json.loads(as_json({"a": "\udc80"}).body) == {"a": "\udc80"}
    assert as_text("\udc80").body == b"\\udc80"
    assert as_html("<p>").type.startswith("text/html")


def test_an_error_has_two_fields_and_its_headers() -> None:
    answer = as_error(Refusal(405, "use GET", "method", (("Allow", "GET"),)))
    assert answer.status == 405
    assert json.loads(answer.body) == {"error": "use GET", "at": "method"}
    assert answer.headers == (("Allow", "GET"),)


def test_see_other_goes_to_our_own_path() -> None:
    assert see_other("/").headers == (("Location", "/"),)
    assert see_other("/").status == 303


def test_the_policy_lets_nothing_in_from_outside() -> None:
    policy = dict(SECURITY_HEADERS)["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_an_array_comes_in_pieces() -> None:
    assert b"".join(as_array([])) == b"[]\n"
    pieces = list(as_array([1, {"a": "b"}]))
    assert len(pieces) == 3
    assert json.loads(b"".join(pieces)) == [1, {"a": "b"}]


def test_an_object_comes_in_pieces_too() -> None:
    pieces = list(as_object({"a": "ö"}, "all", [1, [2]]))
    assert len(pieces) == 5
    assert json.loads(b"".join(pieces)) == {"a": "ö", "all": [1, [2]]}

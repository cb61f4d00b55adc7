from __future__ import annotations

import re

import pytest
from attrs import evolve

from director.l7.http.fields import FieldBlock
from director.l7.http.grammar import NONE_OF_INTEREST
from director.l7.routing.affinity import find, follows, preferred, set_cookie, token
from director.model.pools import CookiePersistence, Pool
from tests.support.heads import facts
from tests.support.registries import registry_of, server

POOL = registry_of(Pool("web", servers=(server("a"), server("b", 2)))).pools["web"]


def test_a_token_leads_back_to_its_server_and_shows_nothing() -> None:
    for one in POOL.servers:
        value = token("web", one.name)
        assert re.fullmatch(r"[0-9a-f]{16}", value)
        assert find(POOL, value) is one
    assert token("web", "a") != token("api", "a")
    assert token("we", "ba") != token("web", "a")


def test_a_stranger_s_value_leads_nowhere() -> None:
    for value in (
        "",
        "a",
        "x" * 16,
        token("api", "a"),
        token("web", "gone"),
        token("web", "a") + "0",
        "\xe9" * 5000,
    ):
        assert find(POOL, value) is None


@pytest.mark.parametrize(
    ("cookie", "name"),
    [
        ("D={a}", "a"),
        # RFC 6265 4.2.2: for several paths the browser sends it several times, in no order of value.
        ("D=old; D={b}", "b"),
        ("D={b}; x=1; D={a}", "b"),
        ("d={a}", None),
        ("D=1; D=2; D=3; D=4; D={a}", None),
        ("", None),
    ],
)
def test_the_first_value_that_names_a_server_counts(cookie: str, name: str | None) -> None:
    text = cookie.format(a=token("web", "a"), b=token("web", "b"))
    pool = registry_of(evolve(POOL.config, persist=CookiePersistence("D"))).pools["web"]
    found = preferred(pool, facts(b"Cookie: " + text.encode()))
    assert (None if found is None else found.name) == name
    assert preferred(POOL, facts(b"Cookie: " + text.encode())) is None


def test_cookies() -> None:
    one = POOL.servers[0]
    plain = b"Set-Cookie: D=" + token("web", "a").encode() + b"; Path=/"
    assert set_cookie(CookiePersistence("D"), one) == plain + b"\r\n"
    strict = CookiePersistence("D", httponly=True, secure=True, samesite="lax")
    assert set_cookie(strict, one) == plain + b"; HttpOnly; Secure; SameSite=Lax\r\n"


@pytest.mark.parametrize(
    ("lines", "field", "age"),
    [
        # lvs-semantics A.16: half an hour when nothing is said, the last cookie to end ends the session.
        (b"Set-Cookie: a=1\r\n", b"Set-Cookie", 1800),
        (b"Set-Cookie: a=1; Max-Age=60\r\nset-cookie: b=2; path=/; max-age=7200\r\n", b"Set-Cookie", 7200),
        (b'Set-Cookie2: a=1; Version=1; Max-Age="60"\r\n', b"Set-Cookie2", 60),
        (b"Set-Cookie2: a=1\r\nSet-Cookie: b=2; Max-Age=5\r\n", b"Set-Cookie", 1800),
        (b"Content-Type: text/plain\r\n", b"", 0),
    ],
)
def test_a_cookie_that_follows_the_server_s_own(lines: bytes, field: bytes, age: int) -> None:
    found = follows(
        CookiePersistence("SID", follow=True), POOL.servers[0], FieldBlock(lines, NONE_OF_INTEREST)
    )
    if not field:
        assert found == b""
        return
    version = b" Version=1;" if field.endswith(b"2") else b""
    value = token("web", "a").encode()
    assert found == b"%s: SID=%s;%s Path=/; Max-Age=%d\r\n" % (field, value, version, age)

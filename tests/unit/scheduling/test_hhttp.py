"""K38."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from director.scheduling.hhttp import KtcpvsHash
from tests.unit.scheduling.fakes import KEY, Key, many, names, servers, started


def test_the_sum_of_the_codes_modulo_the_servers() -> None:
    pool = servers(1, 1, 1)
    hhttp = started(KtcpvsHash, pool)
    # "bob" = 98 + 111 + 98 = 307 = 1 mod 3; "ann" = 97 + 110 + 110 = 317 = 2; "" = 0.
    chosen = [hhttp.choose(pool, Key(hash_key=value), 0.0) for value in ("bob", "ann", "")]
    assert names(chosen) == "bca"


def test_bytes_beyond_ascii_find_a_server() -> None:
    pool = servers(1, 1, 1)
    # UTF-8 of e with acute accent: 0xC3 + 0xA9 = 364 = 1 mod 3.
    assert names([started(KtcpvsHash, pool).choose(pool, Key(hash_key="\u00e9"), 0.0)]) == "b"


def test_weight_and_load_do_not_matter_but_a_server_must_be_eligible() -> None:
    a, b, c = pool = servers(1, 9, 1)
    b.active = 1000
    hhttp = started(KtcpvsHash, pool)
    assert hhttp.choose(pool, Key(hash_key="bob"), 0.0) is b
    assert hhttp.choose((a, c), Key(hash_key="bob"), 0.0) is None


def test_no_value_no_server() -> None:
    assert started(KtcpvsHash, servers(1)).choose(servers(1), KEY, 0.0) is None
    assert started(KtcpvsHash, ()).choose(servers(1), Key(hash_key="x"), 0.0) is None


@given(st.text(st.characters(codec=None)), st.integers(1, 40))
def test_one_value_one_server(value: str, count: int) -> None:
    pool = many(count)
    hhttp = started(KtcpvsHash, pool)
    assert hhttp.choose(pool, Key(1, hash_key=value), 0.0) is hhttp.choose(pool, Key(2, hash_key=value), 1.0)

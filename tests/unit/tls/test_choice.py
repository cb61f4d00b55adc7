from __future__ import annotations

import pytest

from director.tls.choice import Choice

OFFERS: list[tuple[list[str], str]] = [
    (["shop.example.org"], "shop-ec"),
    (["shop.example.org"], "shop-rsa"),
    (["*.example.org", "example.org"], "wild"),
    (["www.example.org", "Mixed.Example.COM."], "www"),
]


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("shop.example.org", ("shop-ec", "shop-rsa")),
        ("SHOP.example.org.", ("shop-ec", "shop-rsa")),
        ("example.org", ("wild",)),
        ("a.example.org", ("wild",)),
        ("www.example.org", ("www",)),
        ("a.b.example.org", ("shop-ec", "shop-rsa")),  # a wildcard is one label (RFC 9525 6.3)
        ("mixed.example.com", ("www",)),
        ("", ("shop-ec", "shop-rsa")),
        ("unknown", ("shop-ec", "shop-rsa")),
    ],
)
def test_who_gets_what(name: str, group: tuple[str, ...]) -> None:
    assert Choice(OFFERS).of(name) == group


def test_nobody_has_anything_without_certificates() -> None:
    empty: Choice[str] = Choice(())
    assert empty.of("a.example") == empty.default == ()


def test_all_groups_are_named() -> None:
    assert Choice(OFFERS).groups == {("shop-ec", "shop-rsa"), ("wild",), ("www",)}

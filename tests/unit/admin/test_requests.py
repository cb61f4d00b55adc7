from __future__ import annotations

import pytest

from director.admin.answers import Refusal
from director.admin.requests import advice, asked_host, form, loopback


def test_a_configured_name_is_ours() -> None:
    assert asked_host(["lb.local:80"], frozenset({"lb.local"})) == "lb.local:80"


def test_advice_names_the_nearest_or_all() -> None:
    assert advice("limits", ["limit", "after"]) == "did you mean 'limit'?"
    assert advice("color", ["limit", "after"]) == "known here: limit, after"
    assert advice("color", []) == "this route has none"


@pytest.mark.parametrize(
    ("host", "wanted"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("", False),
        ("::", False),
        ("10.0.0.1", False),
        ("example.org", False),
    ],
)
def test_loopback(host: str, wanted: bool) -> None:
    assert loopback(host) == wanted


@pytest.mark.parametrize("body", [b"a=" + b"x" * 5000, b"&".join([b"a=1"] * 20), b"\xff"])
def test_strange_forms_are_refused(body: bytes) -> None:
    with pytest.raises(Refusal):
        form(body)

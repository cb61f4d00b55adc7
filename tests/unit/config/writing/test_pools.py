"""Servers and pools in the words of the ini; that all of it reads back is `test_sections`'."""

from __future__ import annotations

import pytest

from director.config.writing import pools
from director.model.pools import Address, Eject, Forward, Pool, Retry, Server, Tunnel


@pytest.mark.parametrize(
    ("server", "text"),
    [
        (Server("a", Address("10.0.0.1", 80)), "10.0.0.1:80"),
        (Server("a", Address("::1", 80), weight=0, max=9, min=3, backup=True),
         "[::1]:80 weight=0 max=9 min=3 backup"),
        (Server("a", Address("10.0.0.1", 80), forward=Forward.TUN, tunnel=Tunnel("gue", 6080, "remcsum")),
         "10.0.0.1:80 forward=tun tunnel=gue:6080,remcsum"),
        (Server("a", Address(path="/run/a.sock"), tunnel=Tunnel("gre", 0, "csum")),
         "unix:/run/a.sock tunnel=gre,csum"),
    ],
)  # fmt: skip
def test_a_server_is_a_line(server: Server, text: str) -> None:
    assert pools.server(server) == text


def test_causes_stand_in_one_order() -> None:
    """They are sets: two exports of one configuration are the same text."""
    pool = Pool(
        "web",
        eject=Eject(frozenset({"empty", "5xx", "connect"})),
        retry=Retry(frozenset({"timeout", "connect"}), frozenset({503, 502}), 3),
        checks=("a", "b", "c"),
        needed=2,
    )
    keys = dict(pools.keys(pool))
    assert keys["eject"] == "5xx, connect, empty; after 5; for 30s; max 50%"
    assert keys["retry"] == "connect, timeout, 502, 503; tries 3"
    assert keys["check"] == "2 of a, b, c"

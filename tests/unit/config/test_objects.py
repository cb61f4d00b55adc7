"""Things made of keys that no file holds are what the same lines of an ini are."""

from __future__ import annotations

from typing import Any

import pytest

from director.config.objects import Unfit, made, merged, server_line
from tests.support.configurations import read_ini

FILES = {
    "pool": (
        "web",
        {
            "scheduler": "sh port",
            "queue": "100 for 5s",
            "timeout.connect": "3s",
            "server.a": "10.0.0.1:80 max=9",
        },
    ),
    "l7": ("www", {"listen": ":8080, [::]:8080", "pool": "web", "limit.body": "1m", "timeout.client": "7s"}),
    "l4": ("dns", {"virtual": "udp 192.0.2.53:53", "pool": "web", "scheduler": "rr", "persistent": "300s"}),
    "rule": ("10 img", {"service": "www", "when": "path ^= /i", "pool": "web", "set_header": "X-A: 1"}),
}
BASE = "[pool:web]\nserver.a = 10.0.0.1:80\n[l7:www]\nlisten = :80\npool = web\n"


def of_file(kind: str) -> Any:
    """The same thing, read from an ini."""
    name, keys = FILES[kind]
    text = f"[{kind}:{name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
    rest = {"pool": "", "l7": "[pool:web]\nserver.a = 10.0.0.1:80\n"}.get(kind, BASE)
    found = read_ini(text + rest).require()
    fields = {"pool": found.pools, "l7": found.l7, "l4": found.l4, "rule": found.rules}
    return fields[kind][0]


@pytest.mark.parametrize("kind", FILES)
def test_it_is_what_the_file_would_make(kind: str) -> None:
    assert made(kind, *FILES[kind]) == of_file(kind)


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("pool", "scheduler", "wlc"),
        ("pool", "timeout.connect", "9s"),
        ("l7", "listen", ":9090"),
        ("l7", "limit.body", "2m"),
        ("l7", "timeout.keepalive", "5s"),
        ("l4", "scheduler", "wrr"),
        ("l4", "persistent", "20s"),
        ("rule", "when", "path = /x"),
        ("rule", "respond", "403 no"),
        ("rule", "set_header", "X-B: 2"),
    ],
)
def test_one_key_changes_what_it_says_and_nothing_else(kind: str, key: str, value: str) -> None:
    name, keys = FILES[kind]
    others = {one: text for one, text in keys.items() if not (key == "respond" and one == "pool")}
    assert merged(kind, made(kind, name, keys), {key: value}) == made(kind, name, {**others, key: value})


@pytest.mark.parametrize(
    ("kind", "name", "keys", "at"),
    [
        ("pool", "we b", {}, "name"),
        ("pool", "a/b", {}, "name"),
        ("pool", "web", {"sheduler": "rr"}, "sheduler"),
        ("pool", "web", {"timeout.connect": "3"}, "timeout.connect"),
        ("l7", "www", {"pool": "web"}, ""),
        ("l7", "www", {"listen": ":99999"}, "listen"),
        ("rule", "10 x", {"service": "www"}, ""),
        ("rule", "x", {"service": "www", "respond": "404"}, ""),
        ("rule", "10 x", {"service": "www", "respond": "404", "pool": "web"}, "pool"),
    ],
)
def test_a_mistake_names_its_key(kind: str, name: str, keys: dict[str, str], at: str) -> None:
    with pytest.raises(Unfit) as caught:
        made(kind, name, keys)
    assert caught.value.at in {at, "respond"}


def test_no_file_is_read_for_a_stranger() -> None:
    with pytest.raises(Unfit):
        made("l7", "www", {"listen": "${file:/etc/passwd}"})


def test_a_server_as_a_line() -> None:
    given = {"address": "10.0.0.1:80", "weight": "2", "backup": "yes", "max": "9"}
    assert server_line(given) == "10.0.0.1:80 weight=2 backup max=9"
    assert server_line({"address": "10.0.0.1:80", "backup": "no"}) == "10.0.0.1:80"


def test_a_key_can_be_taken_back() -> None:
    """RFC 7396: null takes a member away."""
    old = made(*("l4", *FILES["l4"]))
    assert merged("l4", old, {"persistent": None, "scheduler": None}) == made(
        "l4", "dns", {"virtual": "udp 192.0.2.53:53", "pool": "web"}
    )
    pool = made("pool", *FILES["pool"])
    assert merged("pool", pool, {"timeout.connect": None}).timeouts.connect == 2.0
    for kind, key in (
        ("l4", "virtual"),
        ("l4", "pool"),
        ("l4", "nothing"),
        ("l7", "listen"),
        ("rule", "pool"),
    ):
        with pytest.raises(Unfit) as caught:
            merged(kind, made(kind, *FILES[kind]), {key: None})
        assert caught.value.at == key


def test_keys_are_held_against_the_service_that_has_them() -> None:
    """One-packet scheduling is for UDP, and a service on all ports must be persistent (lvs-semantics I.1)."""
    tcp = made("l4", "a", {"virtual": "tcp 192.0.2.1:80", "pool": "web"})
    whole = made("l4", "a", {"virtual": "tcp [2001:db8::1]:0", "pool": "web", "persistent": "300s"})
    for old, key, value in ((tcp, "ops", "yes"), (tcp, "netmask", "64"), (whole, "persistent", None)):
        with pytest.raises(Unfit):
            merged("l4", old, {key: value})
    assert merged("l4", whole, {"netmask": "64", "scheduler": "rr"}).netmask == 64


def test_settings_of_layer_4() -> None:
    old = read_ini("[l4]\ntimeout.tcp = 1h\ndrop_entry = 1\n").require().l4_settings
    new = merged("l4-settings", old, {"timeout.tcp": "60s", "timeout.udp": "10s", "drop_entry": None})
    assert new == read_ini("[l4]\ntimeout.tcp = 60s\ntimeout.udp = 10s\n").require().l4_settings
    for key in ("timeout.tpc", "lblc_expiration", "mark.1"):
        with pytest.raises(Unfit):
            merged("l4-settings", old, {key: "1"})

"""No name may end a field, hide in it, climb a path or turn the direction of a line."""

from __future__ import annotations

import pytest

from director.config.parse.naming import misnamed
from tests.support.configurations import read_ini

KINDS = ("pool", "l7", "l4", "check", "page", "demo", "scheduler", "server", "user", "cert")
FORGING = (
    " ", "=", "/", ":", '"', "\\", "[", "#", "\x1b", "\x7f", "\u202e", "\u2066", "\u200b", "\u061c", "\u00ad",
    "\ufeff", "\u2028", "\u00a0", "é", "א",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("character", FORGING)
def test_what_could_forge_a_field_is_refused_at_its_place(kind: str, character: str) -> None:
    found = misnamed(kind, f"web{character}b")
    assert found is not None
    assert found.offset == 3
    assert found.message.isprintable()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["web", "a", "web-2.b_c", "_x", "9"])
def test_plain_names_are_fit(kind: str, name: str) -> None:
    assert misnamed(kind, name) is None


@pytest.mark.parametrize("name", [".", "..", ".x", "-x", "--json"])
def test_a_name_is_neither_a_path_nor_an_option(name: str) -> None:
    found = misnamed("pool", name)
    assert found is not None
    assert found.offset == 0


def test_mail_addresses_and_hosts() -> None:
    assert misnamed("user", "ops+night@example.org") is None
    assert misnamed("cert", "*.example.org") is None


@pytest.mark.parametrize(
    ("name", "offset"), [("10 a b", 4), ("10 a=b", 4), ("10 a/b", 4), ("10 a\u202eb", 4), ("10  a", 3)]
)
def test_titles_of_rules_are_names(name: str, offset: int) -> None:
    found = misnamed("rule", name)
    assert found is not None
    assert found.offset == offset


@pytest.mark.parametrize("name", ["10", "10 images", "010 images"])
def test_numbers_with_and_without_a_title(name: str) -> None:
    assert misnamed("rule", name) is None


def test_a_test_is_a_sentence() -> None:
    assert misnamed("test", "images go to /images, always = good") is None
    found = misnamed("test", "all\u202e down")
    assert found is not None
    assert (found.offset, found.message) == (3, "U+202E cannot stand in a name")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[pool:a b]\nserver.a = 10.0.0.1:80\n", (1, 8)),
        ("[ l7 : w=w ]\nlisten = :80\n", (1, 9)),
        ("[pool:web]\nserver.a/b = 10.0.0.1:80\n", (2, 9)),
        ("[l4:x\u202e]\nvirtual = tcp 192.0.2.1:80\n", (1, 6)),
    ],
)
def test_the_message_stands_at_the_character(text: str, place: tuple[int, int]) -> None:
    found = [one for one in read_ini(text).problems if "cannot stand in a name" in one.message]
    assert [(one.line, one.column) for one in found] == [place]

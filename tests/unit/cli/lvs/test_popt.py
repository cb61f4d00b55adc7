"""Expected readings are those of popt(3)."""

from __future__ import annotations

import pytest

from director.cli.lvs.popt import BadOptionError, Option, Takes, read

OPTIONS = (
    Option("L", "list"),
    Option("n", "numeric"),
    Option("w", "weight", Takes.VALUE),
    Option("p", "persistent", Takes.PERHAPS),
)


def met(*words: str) -> tuple[list[tuple[str, str | None]], list[str]]:
    leftover: list[str] = []
    found = [(one.option.long, one.value) for one in read(OPTIONS, words, leftover)]
    return found, leftover


@pytest.mark.parametrize("words", [("-w5",), ("-w=5",), ("-w", "5"), ("--weight=5",), ("--weight", "5")])
def test_an_argument_stands_behind_or_next(words: tuple[str, ...]) -> None:
    assert met(*words) == ([("weight", "5")], [])


def test_clusters_end_with_who_takes_an_argument() -> None:
    assert met("-Lnw", "5") == ([("list", None), ("numeric", None), ("weight", "5")], [])


def test_an_optional_argument_is_the_next_word_unless_that_is_an_option() -> None:
    assert met("-p", "60") == ([("persistent", "60")], [])
    assert met("-p", "-n") == ([("persistent", None), ("numeric", None)], [])
    assert met("-p") == ([("persistent", None)], [])


def test_what_is_no_option_is_left_over() -> None:
    assert met("-L", "a", "-", "--", "-n") == ([("list", None)], ["a", "-", "-n"])


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("--none", "--none: unknown option"),
        ("-q", "-q: unknown option"),
        ("--list=1", "--list: option does not take an argument"),
        ("-w", "-w: missing argument"),
        ("--weight", "--weight: missing argument"),
    ],
)
def test_mistakes(word: str, said: str) -> None:
    with pytest.raises(BadOptionError) as caught:
        met(word)
    assert caught.value.code == 255
    assert str(caught.value).replace("=1", "") == said

from __future__ import annotations

import re
import warnings

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from director.conditions.regexes import LARGEST, WORK, WORK_WITH_GROUPS, Letters, TooLong, regex
from director.config.text.messages import BadValue
from tests.unit.config.reading import refuses_at_a_place

PIECES = r"""
    a b / . - A 7 ( ) (?: (?P<n> | * + ? *? +? ?? {2} {,2} {1,} {1,2}? { } {,} {} [ab] [^/] []a] [^]a] [a-c-]
    [[:a] [&&a] [\]\-] [\w.] [\d/] [^\s] [\W] [^ ] \d \D \w \W \s \S \. \/ \- \_ \x41 \101 \0 \u0061 \t \A
    \Z \b \B ^ $ (?i:a) (?s:.) (?#x)
"""
PIECE = st.sampled_from([" ", "\\ ", *PIECES.split()])
ASCII_TEXT = st.text(alphabet="abAB/.- _7{}[]&:\t", max_size=12)
LATIN_TEXT = st.text(alphabet="ab/ \t\xa0\x85\xe9\xc9\xd7\xb2\xff7_", max_size=12)


def by_python(pattern: str) -> re.Pattern[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return re.compile(pattern)


def spans(pattern: str, text: str, letters: Letters) -> tuple[object, object]:
    """Where the first match is, by Python's `re` and by ours."""
    try:
        reference, ours = by_python(pattern), regex(pattern, letters=letters)
    except (BadValue, re.error):
        assume(False)
    wanted, found = reference.search(text), ours.search(text)
    assert ours.contains(text) == (found is not None)
    return wanted and wanted.span(), found and (found.start(), found.end())


@given(st.lists(PIECE, max_size=7).map("".join), ASCII_TEXT)
def test_an_expression_means_what_it_means_in_python(pattern: str, text: str) -> None:
    # In an empty text, Python before 3.14 finds no place that is none where a word begins or ends.
    assume(text or "\\B" not in pattern)
    wanted, found = spans(pattern, text, Letters.ASCII)
    assert found == wanted


@given(st.lists(PIECE, max_size=4).map("".join), LATIN_TEXT)
@example(" {}?", "")
@example("a{}*b", "a{b")
@example("a{,}?b", "aab")
def test_also_beyond_ascii(pattern: str, text: str) -> None:
    # Where words begin and end is known of ASCII alone.
    assume("\\b" not in pattern.replace("[\\b]", ""))
    assume("\\B" not in pattern)
    wanted, found = spans(pattern, text, Letters.LATIN)
    assert found == wanted


@pytest.mark.parametrize("text", ["\u0142", "\u65e5", "\u2003", "\u3000", "\xa0", "_", "7", "-", "\u20ac"])
@pytest.mark.parametrize("letter", "wWsSdD")
def test_classes_of_all_characters(letter: str, text: str) -> None:
    for pattern in ("\\" + letter, f"[\\{letter}]"):
        found = regex(pattern, letters=Letters.ANY).contains(text)
        if text == "\u20ac" and letter in "wW":
            # No letter to Unicode; here all that is no white space beyond ISO 8859-1 is one.
            assert found == (letter == "w")
        else:
            assert found == (by_python(pattern).search(text) is not None)


def test_groups() -> None:
    found = regex("^/(?P<a>[^/]+)/(x)?([0-9]+)").search("/users/42")
    assert found is not None
    assert [found[number] for number in range(4)] == ["/users/42", "users", None, "42"]
    assert regex("(?P<a>a)(b)").names == {"a": 1}
    assert regex("(?P<a>a)(b)").groups == 2


@pytest.mark.parametrize(
    ("text", "at", "what"),
    [
        ("a(?=b)", 1, "looks ahead"), ("a(?!b)", 1, "looks ahead"), ("(?<=a)b", 0, "looks behind"),
        ("(?<!a)b", 0, "looks behind"), ("(a)\\1", 3, "refers back"), ("(?P<n>a)(?P=n)", 8, "refers back"),
        ("a++", 1, "possessive"), ("a*+b", 1, "possessive"), ("a{2}+", 1, "possessive"),
        ("(?>a)", 0, "atomic"), ("(a)?(?(1)b|c)", 4, "condition"), ("(?x)a", 2, "flags"),
        ("(?a:a)", 2, "flags"), ("ab{1001}", 2, "1000 repeats"), ("a[", 1, "unterminated"),
        ("a)", 1, "unbalanced"), ("(((a{100}){100}){100})", 0, "too large"),
    ],
)  # fmt: skip
def test_what_only_backtracking_can_do_is_refused_at_its_column(text: str, at: int, what: str) -> None:
    with pytest.raises(BadValue, match=what) as caught:
        regex(text)
    assert caught.value.start == at


@given(st.text(alphabet="ab()[]+*?{},1\\:^|=!<P>#ixdwZ", max_size=20))
def test_reading_fails_at_a_place_or_not_at_all(text: str) -> None:
    refuses_at_a_place(regex, text)


HOSTILE = [
    (r"^/.*/.*/.*\.php$", "/a" * 8192),
    (r"(a+)+$", "a" * 16383 + "!"),
    (r"^(a|aa)+$", "a" * 16383 + "!"),
    (r"(x+x+)+y", "x" * 16384),
    (r"^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 8192),
    (r"(.*)(.*)(.*)(.*)(.*)[0-9]$", "a" * 4096),
]


@pytest.mark.parametrize(("pattern", "text"), HOSTILE)
def test_hostile_input_ends(pattern: str, text: str) -> None:
    """A backtracking engine would take from half a minute to for ever for each of them."""
    assert not regex(pattern).contains(text)
    assert regex(pattern).search(text) is None


def test_work_is_bounded() -> None:
    """The longer the expression, the shorter the text (characters times octets)."""
    sizes = [regex(f"(?:a?b?){{{count}}}") for count in (1, 50, 200)]
    assert sizes[0].most > sizes[1].most > sizes[2].most >= WORK // LARGEST
    for one in sizes:
        assert one.most_of_groups * WORK == one.most * WORK_WITH_GROUPS
    every = regex("(.*)/(.*)x$")
    long = "/" * every.most_of_groups + "x"
    with pytest.raises(TooLong):
        every.search(long)
    assert every.search(long + "y") is None
    # A short match in a long text has its groups.
    found = regex("(7)").search(long + "7")
    assert found is not None
    assert found[1] == "7"
    with pytest.raises(BadValue, match="longer than 1000"):
        regex("a" * 1001)


def test_folding() -> None:
    assert regex("abc", fold=True).contains("xABC")
    assert not regex("abc").contains("ABC")

r"""The language of `when`: text to a `Condition` of the model, with every mistake at its column.

    condition  = all { "or" all }
    all        = one { "and" one }
    one        = "not" one | "(" condition ")" | term
    term       = fact operator value | fact "in" value { value } | fact "exists"
    fact       = host | path | uri | method | version | client | sni
               | header NAME | cookie NAME | query NAME
    operator   = "=" | "^=" (begins) | "$=" (ends) | "*=" (holds) | "~" (regular expression, anywhere)

A value runs to white space or to a parenthesis that it did not open; in double quotes it may hold
anything (`\"` and `\\` inside).  `conditions` compiles the result, `facts` knows what fits a fact.
"""

from __future__ import annotations

import re

from director.conditions.facts import NAMED, PLAIN, check_name, check_operator, check_value
from director.config.text.messages import BadValue, suggest
from director.model.conditions import And, Condition, Not, Or, Term

DEEPEST = 50
"""Parentheses and `not` within each other."""

LONGEST = 64 * 1024
"""Characters of one condition."""

_SPACE = re.compile(r"\s*")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAME = re.compile(r"[!#%&'+.`|0-9A-Za-z_-]+")
_OPERATOR = re.compile(r"\^=|\$=|\*=|=(?![=~])|~|in(?=[\s\"(]|\Z)|exists(?=[\s)]|\Z)")
_SWAPPED = re.compile(r"=([\^$*])\s|=([\^$])(?=/)")
"""`=^` with a value behind it: `^=` is meant.  A host such as `=*.b` has its own message."""
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_RESERVED = frozenset({"and", "or", "not"})
_OTHER_TONGUES = {
    "==": "write =",
    "!=": "write not FACT = VALUE",
    "=~": "write ~",
    "!~": "write not FACT ~ VALUE",
    "&&": "write and",
    "||": "write or",
    "!": "write not",
}
_OPERATORS = "operators: = ^= $= *= ~ in exists"


def parse_condition(text: str) -> Condition:
    """The condition that `text` says; raises `BadValue` with the offset of the mistake."""
    if len(text) > LONGEST:
        raise BadValue("the condition is too long", "split it into several rules")
    return _Parser(text).whole()


def written(value: str) -> str:
    """A value as a condition says it: bare where that is read as the same, else in quotes."""
    bare = value and value not in _RESERVED and value[0] != '"' and "," not in value
    # A parenthesis behind it must not be taken for a part of it.
    if bare and _Parser(value).bare() == value == _Parser(f"{value})").bare():
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def plain_name(name: str) -> bool:
    """Whether the NAME of `header NAME` can stand without quotes."""
    return _NAME.fullmatch(name) is not None


class _Parser:
    """Recursive descent over one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0

    def whole(self) -> Condition:
        found = self.either()
        self.skip()
        if self.at < len(self.text):
            if self.text[self.at] == ")":
                raise BadValue("a parenthesis that nothing opened", "remove it", self.at)
            raise self.unexpected()
        return found

    def unexpected(self) -> BadValue:
        hint = "for several values write FACT in VALUE VALUE; a value with spaces stands in quotes"
        for foreign, ours in _OTHER_TONGUES.items():
            if self.text.startswith(foreign, self.at):
                hint = ours
                break
        return BadValue("expected and, or, or the end", hint, self.at)

    def skip(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def word(self) -> str:
        """The word at this place, not taken; '' if there is none."""
        self.skip()
        found = _WORD.match(self.text, self.at)
        return found[0] if found else ""

    def take(self, word: str) -> bool:
        if self.word() != word:
            return False
        self.at += len(word)
        return True

    def either(self) -> Condition:
        parts = [self.all()]
        while self.take("or"):
            parts.append(self.all())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def all(self) -> Condition:
        parts = [self.one()]
        while self.take("and"):
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def one(self) -> Condition:
        word = self.word()
        start = self.at
        if word != "not" and self.text[start : start + 1] != "(":
            return self.term(word)
        self.depth += 1
        if self.depth > DEEPEST:
            raise BadValue(f"nested deeper than {DEEPEST}", "split it into several rules", start)
        found: Condition
        if self.take("not"):
            found = Not(self.one())
        else:
            self.at += 1
            found = self.either()
            self.skip()
            if self.text[self.at : self.at + 1] != ")":
                if self.at < len(self.text):
                    raise self.unexpected()
                raise BadValue("this parenthesis is never closed", "add )", start)
            self.at += 1
        self.depth -= 1
        return found

    def term(self, fact: str) -> Term:
        if fact not in PLAIN and fact not in NAMED:
            raise self.no_fact(fact)
        self.at += len(fact)
        name = self.name_of(fact) if fact in NAMED else ""
        self.skip()
        place = self.at
        operator = self.operator(fact, name)
        check_operator(fact, operator, place)
        if operator == "exists":
            return Term(fact, name, operator)
        values = self.values(operator)
        if not values:
            raise BadValue(
                f"a value is missing behind {operator}",
                'write it, in "quotes" if it is and, or, not',
                self.at,
            )
        checked = tuple(check_value(fact, operator, value, at) for at, value in values)
        return Term(fact, name, operator, checked)

    def no_fact(self, word: str) -> BadValue:
        known = sorted((*PLAIN, *NAMED))
        if not word:
            rest = self.text[self.at : self.at + 12]
            for foreign, ours in _OTHER_TONGUES.items():
                if rest.startswith(foreign):
                    return BadValue(f"{foreign} is not of this language", ours, self.at)
            if not rest:
                return BadValue(
                    "a term is missing here", "write FACT OPERATOR VALUE, as in path ^= /images/", self.at
                )
            return BadValue("expected a fact", "facts: " + " ".join(known), self.at)
        if word in _RESERVED:
            return BadValue(f"a term is missing before {word}", "write FACT OPERATOR VALUE", self.at)
        hint = suggest(word, known)
        hint = hint if hint.startswith("did") else "facts: " + " ".join(known)
        return BadValue(f"unknown fact {word}", hint, self.at)

    def name_of(self, fact: str) -> str:
        """The NAME of `header NAME`; header names are kept in lower case."""
        self.skip()
        found = _NAME.match(self.text, self.at)
        quoted = _QUOTED.match(self.text, self.at)
        if quoted:
            self.at = quoted.end()
            name = re.sub(r"\\(.)", r"\1", quoted[1])
        elif found:
            self.at = found.end()
            name = found[0]
        else:
            raise BadValue(f"{fact} needs a name", f"write {fact} NAME = VALUE", self.at)
        check_name(fact, name, self.at - len(name) - bool(quoted))
        return name.lower() if fact == "header" else name

    def operator(self, fact: str, name: str) -> str:
        found = _OPERATOR.match(self.text, self.at)
        swapped = _SWAPPED.match(self.text, self.at)
        if swapped:
            ours = f"{swapped[1] or swapped[2]}="
            raise BadValue(f"{swapped[0].strip()} is not an operator", f"write {ours}", self.at)
        if found:
            self.at = found.end()
            return found[0]
        rest = self.text[self.at :]
        subject = f"{fact} {name}".rstrip()
        for foreign, ours in _OTHER_TONGUES.items():
            if rest.startswith(foreign):
                raise BadValue(f"{foreign} is not an operator", ours.replace("FACT", subject), self.at)
        raise BadValue(f"expected an operator behind {subject}", _OPERATORS, self.at)

    def values(self, operator: str) -> list[tuple[int, str]]:
        """One value, or for `in` all up to `and`, `or`, `)` or the end (commas between are fine)."""
        found: list[tuple[int, str]] = []
        while operator == "in" or not found:
            self.skip()
            start = self.at
            quoted = _QUOTED.match(self.text, start)
            if quoted:
                self.at = quoted.end()
                found.append((start + 1, re.sub(r"\\(.)", r"\1", quoted[1], flags=re.DOTALL)))
                self.at += operator == "in" and self.text[self.at : self.at + 1] == ","
                continue
            if self.text[start : start + 1] == '"':
                raise BadValue("this quote is never closed", 'add "', start)
            word = self.bare()
            if not word or word in _RESERVED:
                break
            self.at += len(word)
            if operator == "in":
                found += [(start + part.start(), part[0]) for part in re.finditer(r"[^,]+", word)]
            else:
                found.append((start, word))
        return found

    def bare(self) -> str:
        """The unquoted value at this place: to white space, or to a `)` that it did not open."""
        depth = 0
        end = self.at
        while end < len(self.text) and not self.text[end].isspace():
            letter = self.text[end]
            if letter == "\\" and self.text[end + 1 : end + 2].strip():
                end += 2
                continue
            if letter == ")" and depth == 0:
                break
            depth += (letter == "(") - (letter == ")")
            end += 1
        return self.text[self.at : end]

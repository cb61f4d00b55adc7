"""Regular expressions of rules: compiled with their mistakes placed, and looked at for runaway ones.

A repeat inside a repeat, as in `(a+)+`, can need time that doubles with each character of a request
(ReDoS); `nested_repeat` finds it in the text alone.  Used by `expressions` and `conditions`.
"""

from __future__ import annotations

import re
import warnings

from director.caches import remember
from director.config.text.messages import BadValue

LONGEST = 1000
"""Characters of one expression."""

_REPEAT = re.compile(r"(?:[*+]|\{[0-9]*,\})([?+]?)")
_SPAN = re.compile(r"(?:\{[0-9]*,?[0-9]*\}|\?)[?+]?")
_OPENING = re.compile(r"\((?:\?(?:P<\w+>|P=\w+|P>\w+|<?[=!]|[:>]|\([^)]*\)|[aiLmsux-]*:?))?")


@remember("regular_expressions", 1024)
def regex(text: str, *, fold: bool = False) -> re.Pattern[str]:
    """`text` compiled; `fold` ignores case."""
    if len(text) > LONGEST:
        raise BadValue(f"longer than {LONGEST} characters", "split it into several terms with or")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(text, re.IGNORECASE if fold else 0)
    except re.error as error:
        raise BadValue(f"not a regular expression: {error.msg}", "", error.pos or 0) from error
    except (OverflowError, RecursionError) as error:
        raise BadValue("the regular expression is too large") from error


def nested_repeat(text: str) -> int | None:
    """The offset of an unbounded repeat around another one, or None.

    Possessive repeats (`++`) and atomic groups cannot run away and do not count.
    """
    inner = [False]
    atomic = [False]
    ended = False
    at = 0
    while at < len(text):
        letter = text[at]
        repeat = _REPEAT.match(text, at)
        if repeat:
            possessive = repeat[1] == "+"
            if ended and not possessive:
                return at
            inner[-1] = inner[-1] or not possessive
            at, ended = repeat.end(), False
        elif letter == "\\":
            at, ended = at + 2, False
        elif letter == "[":
            at, ended = _end_of_set(text, at), False
        elif letter == "(":
            opening = _OPENING.match(text, at)
            start = opening[0] if opening else "("
            inner.append(False)
            atomic.append(start == "(?>")
            at, ended = at + len(start), False
            if start.startswith(("(?P=", "(?P>")) or (start != "(" and text[at - 1 : at] == ")"):
                continue
        elif letter == ")" and len(inner) > 1:
            ended = inner.pop() and not atomic.pop()
            inner[-1] = inner[-1] or ended
            at += 1
        else:
            span = _SPAN.match(text, at)
            at, ended = span.end() if span else at + 1, False
    return None


def _end_of_set(text: str, at: int) -> int:
    """The offset behind the set `[…]` that begins at `at`."""
    at += 2 if text[at + 1 : at + 2] == "^" else 1
    if text[at : at + 1] == "]":
        at += 1
    while at < len(text) and text[at] != "]":
        at += 2 if text[at] == "\\" else 1
    return at + 1

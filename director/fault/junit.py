"""The sheet of a drill for those who read JUnit's XML: one test case for each expectation.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from director.fault.judging import VOID


def junit(sheets: Sequence[Mapping[str, Any]]) -> str:
    """A document with one suite for each drill."""
    suites = "".join(_suite(one) for one in sheets)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n{suites}</testsuites>\n'


def _suite(found: Mapping[str, Any]) -> str:
    expectations = found["expectations"]
    void = found["verdict"] == VOID
    broken = 0 if void else sum(not one["held"] for one in expectations)
    cases = "".join(_case(found, one, void=void) for one in expectations)
    proof = _proof(found) if void else ""
    return (
        f'  <testsuite name={quoteattr(found["drill"])} tests="{len(expectations) + void}" '
        f'failures="{broken}" errors="{int(void)}" skipped="{len(expectations) if void else 0}" '
        f'time="{found["seconds"]}">\n'
        f"    <properties>\n"
        f'      <property name="seed" value="{found["seed"]}"/>\n'
        f'      <property name="verdict" value="{found["verdict"]}"/>\n'
        f"    </properties>\n"
        f"{proof}{cases}  </testsuite>\n"
    )


def _proof(found: Mapping[str, Any]) -> str:
    why = "; ".join(found["why"])
    return (
        f'    <testcase classname={quoteattr(found["drill"])} name="the drill proves something" time="0">\n'
        f"      <error message={quoteattr(_plain(why))}/>\n    </testcase>\n"
    )


def _case(found: Mapping[str, Any], one: Mapping[str, Any], *, void: bool) -> str:
    head = (
        f"    <testcase classname={quoteattr(found['drill'])} "
        f'name={quoteattr(one["phase"] + ": " + one["text"])} time="0">'
    )
    if void:
        return f'{head}\n      <skipped message="the drill is void"/>\n    </testcase>\n'
    if one["held"]:
        return f"{head}</testcase>\n"
    stories = escape(_plain("\n".join(_stories(one["requests"]))))
    message = quoteattr(_plain(one["seen"]))
    return f"{head}\n      <failure message={message}>{stories}</failure>\n    </testcase>\n"


def _stories(requests: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for one in requests:
        yield f"#{one['number']} {one['asked']} id={one['id']}"
        yield from (f"    {part}" for part in one["story"])


def _plain(text: str) -> str:
    """Without what XML 1.0 cannot hold."""
    return "".join(letter for letter in text if letter in "\t\n" or letter.isprintable())

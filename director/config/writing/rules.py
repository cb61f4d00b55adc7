"""A rule as the keys of `[rule:NUMBER TITLE]`."""

from __future__ import annotations

from collections.abc import Iterator

from director.config.writing.conditions import condition
from director.model.http import Rule


def keys(rule: Rule) -> Iterator[tuple[str, str]]:
    """Every key and its text; "" for what has no line."""
    for key, text in _keys(rule):
        # Where the text would tell a secret, the ini's own says where it comes from.
        yield key, rule.shown(key, text)


def _keys(rule: Rule) -> Iterator[tuple[str, str]]:
    yield "service", rule.service
    yield "when", condition(rule.when) if rule.when is not None else ""
    yield "pool", rule.pool
    yield "redirect", f"{rule.redirect[0]} {rule.redirect[1]}" if rule.redirect else ""
    yield "respond", f"{rule.respond[0]} {rule.respond[1]}".rstrip() if rule.respond else ""
    yield "hash", rule.hash
    edits: dict[str, list[str]] = {}
    for one in rule.headers:
        text = one.name if one.verb == "del" else f"{one.name}: {one.value}".rstrip()
        edits.setdefault(f"{one.verb}_header", []).append(text)
    yield from ((key, "\n".join(texts)) for key, texts in edits.items())
    yield "rewrite_path", rule.rewrite_path

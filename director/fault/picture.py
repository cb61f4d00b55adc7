"""The sheet of a drill as a page that stands alone, with one line of time as a picture.  Pure.

No script, nothing loaded from outside.  Times of answers go up by their logarithm: a millisecond and ten
seconds fit on one picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT, LEFT, TOP = 960, 260, 60, 24
FASTEST, SLOWEST = 0.0005, 30.0
"""Seconds at the bottom and at the top of the picture."""
GRID = ((0.001, "1 ms"), (0.01, "10 ms"), (0.1, "100 ms"), (1.0, "1 s"), (10.0, "10 s"))
COLOURS = {"ok": "#2e9d6a", "page": "#d99a1c", "bad": "#cf3f33"}
PHASES = {"baseline": "#8a94a022", "inject": "#cf3f3322", "heal": "#d99a1c22", "recover": "#2e9d6a22"}
KINDS = {"step": "#4a8fc7", "server": "#cf3f33", "fault": "#b42318", "note": "#66706b"}
_STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}
h1 b{padding:.1em .6em;border-radius:.4em;color:#fff}
.pass{background:#18794e}.fail{background:#b42318}.void{background:#66706b}
table{border-collapse:collapse;width:100%;margin:1rem 0}
td,th{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #8884;vertical-align:top}
svg{width:100%;height:auto}svg text{font:11px system-ui,sans-serif;fill:currentColor}
.broke{color:#cf3f33;font-weight:600}ol{margin:.2rem 0}
"""


def page(sheets: Sequence[Mapping[str, Any]]) -> str:
    """A whole page about one drill or several."""
    title = ", ".join(f"{one['drill']}: {one['verdict']}" for one in sheets)
    body = "".join(_drill(one) for one in sheets)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{body}</body></html>\n"
    )


def _drill(found: Mapping[str, Any]) -> str:
    verdict = found["verdict"]
    why = "".join(f"<li>{escape(one)}</li>" for one in found["why"])
    return (
        f'<h1>{escape(found["drill"])} <b class="{verdict}">{verdict}</b></h1>'
        + (f"<ul>{why}</ul>" if why else "")
        + f"<p>Service {escape(found['service'])}, seed {found['seed']}, {found['seconds']:.1f} s, load "
        f"{escape(', '.join(found['load']) or 'real traffic')}</p>"
        + svg(found)
        + _table(
            ("expected", "phase", "seen", "held"),
            (
                (one["text"], one["phase"], one["seen"], "held" if one["held"] else "broke")
                for one in found["expectations"]
            ),
        )
        + "".join(_stories(one) for one in found["expectations"] if not one["held"] and one["requests"])
        + _table(
            ("phase", "from", "to", "requests", "answered", "ok", "hit", "by"),
            (
                (
                    *(one[key] for key in ("name", "from", "to", "requests", "answered", "ok", "hits")),
                    ", ".join(f"{who} {count}" for who, count in one["by"].items()),
                )
                for one in found["phases"]
                if one["from"] is not None
            ),
        )
        + _table(("second", "what happened"), ((one["at"], one["text"]) for one in found["events"]))
    )  # fmt: skip


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    body = "".join(f"<tr>{''.join(_cell(one) for one in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _cell(value: Any) -> str:
    mark = ' class="broke"' if value == "broke" else ""
    return f"<td{mark}>{escape(str(value))}</td>"


def _stories(one: Mapping[str, Any]) -> str:
    parts = "".join(
        f"<p>#{request['number']} <code>{escape(request['asked'])}</code> {escape(request['id'])}</p><ol>"
        + "".join(f"<li>{escape(part)}</li>" for part in request["story"])
        + "</ol>"
        for request in one["requests"]
    )
    return f"<h3>{escape(one['text'])} did not hold</h3>{parts}"


# --- the picture ------------------------------------------------------------------------------


def svg(found: Mapping[str, Any]) -> str:
    """One line of time: phases, requests by how long they took, and what happened."""
    length: float = max(found["seconds"], 0.1)
    below = TOP + HEIGHT

    def across(at: float) -> float:
        return LEFT + min(at / length, 1.0) * (WIDTH - LEFT - 10)

    parts = [
        f'<rect x="{across(one["from"]):.1f}" y="{TOP}" fill="{PHASES[one["name"]]}" height="{HEIGHT}" '
        f'width="{max(0.0, across(one["to"]) - across(one["from"])):.1f}"/>'
        f'<text x="{across(one["from"]) + 4:.1f}" y="{TOP - 8}">{escape(one["name"])}</text>'
        for one in found["phases"]
        if one["from"] is not None and one["to"] > one["from"]
    ]
    parts += [
        f'<line x1="{LEFT}" x2="{WIDTH - 10}" y1="{up(at):.1f}" y2="{up(at):.1f}" stroke="#8884"/>'
        f'<text x="4" y="{up(at) + 4:.1f}">{name}</text>'
        for at, name in GRID
    ]
    parts += [_point(across(at), *rest) for at, *rest in found["points"]]
    parts += [
        f'<line x1="{across(one["at"]):.1f}" x2="{across(one["at"]):.1f}" y1="{TOP}" y2="{below + 8}" '
        f'stroke="{KINDS[one["kind"]]}" stroke-dasharray="3 3"><title>{one["at"]:.2f} s: '
        f"{escape(one['text'])}</title></line>"
        for one in found["events"]
    ]
    parts += [
        f'<text x="{across(length * part / 4):.1f}" y="{below + 22}">{length * part / 4:.1f} s</text>'
        for part in range(4)
    ]
    return (
        f'<svg viewBox="0 0 {WIDTH} {below + 30}" role="img" '
        f'aria-label="Requests of the drill over time">{"".join(parts)}</svg>'
    )


def up(seconds: float) -> float:
    """How far down from the top a time stands."""
    within = min(max(seconds, FASTEST), SLOWEST)
    share: float = math.log(within / FASTEST) / math.log(SLOWEST / FASTEST)
    return float(TOP + HEIGHT * (1.0 - share))


def _point(x: float, seconds: float, status: int, who: str, hit: bool) -> str:
    kind = "ok" if 200 <= status < 400 else "page" if who.startswith("page ") else "bad"
    ring = ' stroke="#b42318" stroke-width="1.5"' if hit else ""
    told = f"{who or 'nobody'}, {status or 'no answer'}, {seconds * 1000:.0f} ms{', hit' if hit else ''}"
    return (
        f'<circle cx="{x:.1f}" cy="{up(seconds):.1f}" r="2.5" fill="{COLOURS[kind]}"{ring}>'
        f"<title>{escape(told)}</title></circle>"
    )

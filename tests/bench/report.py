"""The figures of a run as a table, for the terminal and for the documentation."""

from __future__ import annotations

from statistics import median

from attrs import frozen

BEGIN = "<!-- figures -->"
END = "<!-- end of figures -->"


@frozen
class Row:
    """One workload: what is measured, its unit, whether more is better, and what we ask of the director.

    `bar` is a ratio to HAProxy, or with `absolute` a figure in the row's unit; None = nothing asked.
    """

    name: str
    title: str
    unit: str
    more_is_better: bool
    bar: float | None = None
    absolute: bool = False


ROWS = (
    Row("small", "small requests, 64 keep-alive connections", "requests/s", more_is_better=True, bar=0.5),
    Row("cpu", "processor time of a small request", "µs", more_is_better=False, bar=25, absolute=True),
    Row("fresh", "small requests, every URL another one", "requests/s", more_is_better=True),
    Row("freshcpu", "processor time of such a request", "µs", more_is_better=False),
    Row("big", "10 MB bodies, 8 connections", "MB/s", more_is_better=True, bar=1.0),
    Row("bigcpu", "processor time of a GB of them", "s", more_is_better=False),
    Row("p99", "99th percentile at half of its own rate", "ms", more_is_better=False, bar=3.0),
    Row("new", "a new connection for each request", "requests/s", more_is_better=True),
    Row("tlsnew", "new TLS 1.3 handshakes, for each processor second", "1/s", more_is_better=True, bar=0.7),
    Row("tlsresumed", "resumed ones, for each processor second", "1/s", more_is_better=True, bar=0.7),
    Row("tlsbig", "10 MB bodies inside TLS, for each processor second", "MB", more_is_better=True, bar=0.8),
    Row(
        "h2",
        "HTTP/2 inside TLS: small requests, 8 connections of 16 streams",
        "requests/s",
        more_is_better=True,
        bar=0.3,
    ),
    Row("h2cpu", "processor time of such a request", "µs", more_is_better=False),
    Row("ws", "WebSocket messages of 100 bytes there and back, 32 connections", "1/s", more_is_better=True),
    Row("wscpu", "processor time of such a message and its echo", "µs", more_is_better=False),
    Row("tcp", "TCP mode: 10 MB bodies, 8 connections", "MB/s", more_is_better=True),
    Row("tcpcpu", "processor time of a GB of them", "s", more_is_better=False),
    Row("idle", "memory of an idle connection", "kB", more_is_better=False, bar=4, absolute=True),
    Row("idletls", "of one of TLS", "kB", more_is_better=False, bar=29, absolute=True),
    Row("idleh2", "of one of HTTP/2 inside TLS", "kB", more_is_better=False, bar=40, absolute=True),
)

Figures = dict[str, dict[str, list[float]]]
"""Row name -> program name -> one figure for each round."""


def ratio(ours: list[float], theirs: list[float]) -> float | None:
    """The median of the rounds' own ratios: noise that lasts longer than a round falls out."""
    pairs = [(left, right) for left, right in zip(ours, theirs, strict=False) if right]
    return median(left / right for left, right in pairs) if pairs else None


def verdict(row: Row, figures: dict[str, list[float]]) -> str:
    """What is asked of the director, and whether this run showed it."""
    if row.bar is None:
        return ""
    sign = "≥" if row.more_is_better else "≤"
    asked = f"{sign} {row.bar:g} {row.unit}" if row.absolute else f"{sign} {row.bar:g} x HAProxy"
    ours = figures.get("director")
    if not ours:
        return asked
    value = median(ours) if row.absolute else ratio(ours, figures.get("haproxy", []))
    if value is None:
        return asked
    met = value >= row.bar if row.more_is_better else value <= row.bar
    return f"{asked}: {'met' if met else 'missed'}"


def _number(value: float) -> str:
    return f"{value:,.0f}".replace(",", " ") if value >= 100 else f"{value:.3g}"


def table(figures: Figures, programs: list[str]) -> list[list[str]]:
    """Head and rows, as text: medians of all rounds, and each program's ratio to HAProxy."""
    lines = [
        ["", "unit", *programs, *(f"{name} / haproxy" for name in programs if name != "haproxy"), "asked"]
    ]
    for row in ROWS:
        found = figures.get(row.name)
        if not found:
            continue
        cells = [row.title, row.unit]
        cells += [_number(median(found[name])) if found.get(name) else "-" for name in programs]
        ratios = [
            ratio(found.get(name, []), found.get("haproxy", [])) for name in programs if name != "haproxy"
        ]
        cells += ["-" if each is None else f"{each:.2f}" for each in ratios]
        lines.append([*cells, verdict(row, found)])
    return lines


def as_text(lines: list[list[str]]) -> str:
    """Columns, for the terminal."""
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def as_markdown(lines: list[list[str]]) -> str:
    """A table of Markdown."""
    head, *rest = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([head, "|" + "---|" * len(lines[0]), *rest])


def page(old: str, lines: list[list[str]], facts: dict[str, str], how: str) -> str:
    """The documentation's page with these figures between its two marks.  Raises ValueError without marks."""
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page needs the lines {BEGIN} and {END}")
    where = "\n".join(f"* {name}: {value}" for name, value in facts.items())
    return f"{before}{BEGIN}\n\n{as_markdown(lines)}\n\n{how}\n\n{where}\n\n{END}{after}"

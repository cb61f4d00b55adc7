"""An hour of a figure as a small line: what it is now, what it was at most, and when nothing was known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from director.admin.pages.figures import UNKNOWN, amount, per_second, short
from director.admin.pages.html import Html, el

Points = Sequence[float | None]
Hour = Callable[[str, str], Points]
"""The points of the last hour of a thing and one of its figures (`chronicle.FIGURES`); empty without any."""

WIDTH, HEIGHT = 120.0, 24.0
"""Of the picture, in its own units; the style sheet stretches it."""


WORTH_A_COLOUR = 0.01
"""Share of 5xx answers above which they are drawn in red."""


def nothing(_of: str, _figure: str) -> Points:
    """Where no history is kept."""
    return ()


def last(points: Points) -> float | None:
    """The newest that is known, of the last half minute: the slot of now may still be open."""
    return next((one for one in reversed(points[-2:]) if one is not None), None)


def spark(points: Points, name: str, said: Callable[[float | None], str]) -> Html | None:
    """The line; None when nothing is known.  `said` makes words of a figure."""
    known = [one for one in points if one is not None]
    if not known:
        return None
    most = max(known)
    label = f"{name} in the last hour: at most {said(most)}, now {said(last(points))}"
    return el(
        "svg",
        {
            "viewBox": f"0 0 {WIDTH:.0f} {HEIGHT:.0f}",
            "preserveAspectRatio": "none",
            "class": "spark",
            "role": "img",
            "aria-label": label,
        },
        el("title", None, label),
        [_run(run, most) for run in _runs(points)],
    )


def _runs(points: Points) -> Iterator[list[tuple[float, float]]]:
    """What is known without a gap, as (place from 0 to 1, figure)."""
    run: list[tuple[float, float]] = []
    for place, one in enumerate(points):
        if one is not None:
            run.append((place / max(1, len(points) - 1), one))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _run(run: list[tuple[float, float]], most: float) -> list[Html]:
    room = HEIGHT - 2.0
    places = [
        (across * WIDTH, HEIGHT - 1.0 - (room * figure / most if most > 0 else 0.0)) for across, figure in run
    ]
    if len(places) == 1:
        # A line needs two ends to be seen.
        places.append((places[0][0] + 1.0, places[0][1]))
    line = " ".join(f"{x:.1f} {y:.1f}" for x, y in places)
    area = f"M{places[0][0]:.1f} {HEIGHT:.0f} L{line} L{places[-1][0]:.1f} {HEIGHT:.0f} Z"
    return [el("path", {"d": area, "class": "under"}), el("path", {"d": f"M{line}"})]


def card(name: str, points: Points, said: Callable[[float | None], str], unit: str, tone: str = "") -> Html:
    """A figure as a large number over its hour."""
    known = [one for one in points if one is not None]
    more = f"{unit} · at most {said(max(known))}" if known else unit
    return el(
        "div",
        {"class": f"vital {tone}".strip(), "data-key": name},
        el("dt", None, name),
        el("dd", None, said(last(points)) if known else UNKNOWN, el("small", None, more)),
        el("dd", {"class": "drawn"}, spark(points, name, said)),
    )


def cards(of: str, hour: Hour) -> Html:
    """The four figures that say how something fares."""
    failed, rate = hour(of, "failed"), hour(of, "rate")
    many = (last(failed) or 0.0) > WORTH_A_COLOUR * (last(rate) or 0.0)
    return el(
        "dl",
        None,
        card("Requests", rate, per_second, "per second"),
        card("5xx answers", failed, per_second, "per second", "bad" if many else ""),
        card("99 % answer within", hour(of, "p99"), seconds, "of the last 10 s"),
        card("Active", hour(of, "active"), amount, "connections"),
    )


def seconds(value: float | None) -> str:
    """A duration."""
    return short(value, "s")

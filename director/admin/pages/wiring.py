"""The wiring: listener, rule, pool, server, for both layers, with the traffic of now as the width of a line.

`wired` works out what stands where, as values; `wiring` draws them, and says the same as text for those who
do not see the picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from attrs import frozen

from director.admin.pages.figures import per_second
from director.admin.pages.frame import page
from director.admin.pages.html import Child, Html, el
from director.admin.pages.tables import STATUS_TONE, server_page
from director.admin.pages.viewer import Viewer
from director.admin.views import Json

WIDTH, BOX, HEIGHT, GAP = 1200, 234, 46, 14
"""Of the picture and of a box, in its own units."""
SERVERS_DRAWN = 8
"""Servers of a pool that get boxes; more share one."""
LONGEST = 28
"""Characters of a line in a box."""
FAULT = "the fault path"


@frozen
class Node:
    """A box: in which column, what it says, how it fares, and where a click on it leads."""

    key: str
    column: int
    title: str
    more: str = ""
    tone: str = ""
    href: str = ""


@frozen
class Wire:
    """A line between two boxes; `rate` in requests or connections per second, None when not known."""

    start: str
    end: str
    rate: float | None = None


@frozen
class Wired:
    """The whole picture."""

    nodes: tuple[Node, ...]
    wires: tuple[Wire, ...]


def wired(services: Sequence[Json], rules: Sequence[Json], pools: Sequence[Json]) -> Wired:
    """Boxes and lines for what is configured."""
    nodes: list[Node] = []
    wires: list[Wire] = []
    for service in services:
        key = service["key"]
        bad = any(not one["bound"] for one in service["listeners"])
        places = ", ".join(one["address"] for one in service["listeners"]) or ", ".join(service["listen"])
        nodes.append(Node(key, 0, key, places, "bad" if bad else "", ""))
        own = [rule for rule in rules if f"l7:{rule['service']}" == key]
        for rule in own:
            name = f"rule {rule['name']}"
            nodes.append(
                Node(name, 1, f"{rule['number']} {rule['title']}".strip(), rule["when"], "", "/rules")
            )
            wires.append(Wire(key, name, rule["rate"]))
            if rule["action"].startswith("pool "):
                wires.append(Wire(name, f"pool {rule['action'][5:]}", rule["rate"]))
        if service["pool"]:
            # A box of its own, so that its line goes behind no other box.
            rest, rate = f"rest of {key}", _rest(service["rate"], own)
            said = "what no rule takes" if own else "there is no rule"
            nodes.append(Node(rest, 1, "otherwise" if own else "everything", said, "plain", ""))
            wires += [Wire(key, rest, rate), Wire(rest, f"pool {service['pool']}", rate)]
    for pool in pools:
        more, better = f"{pool['eligible']} of {pool['total']} · {pool['scheduler']}", bool(pool["eligible"])
        name = pool["name"]
        nodes.append(Node(f"pool {name}", 2, name, more, "" if better else "bad", f"/pools/{name}"))
        for node, wire in _servers(pool):
            nodes.append(node)
            wires.append(wire)
    known = {node.key for node in nodes}
    return Wired(tuple(nodes), tuple(one for one in wires if one.end in known))


def _rest(rate: float | None, rules: Sequence[Json]) -> float | None:
    """What no rule has claimed."""
    return None if rate is None else max(0.0, rate - sum(one["rate"] or 0.0 for one in rules))


def _servers(pool: Json) -> Iterator[tuple[Node, Wire]]:
    start, where = f"pool {pool['name']}", f"/pools/{pool['name']}"
    servers = pool["servers"]
    if pool["more"] or len(servers) > SERVERS_DRAWN:
        key = f"servers of {pool['name']}"
        rates = [one["rate"] for one in servers if one["rate"] is not None]
        # Those in trouble come first, so none is missed where not all are looked at.
        bad = any(one["status"] == "down" for one in servers)
        said = "some are down" if bad else "none is down"
        rate = sum(rates) if rates and not pool["more"] else None
        node = Node(key, 3, f"{pool['total']} servers", said, "bad" if bad else "", where)
        yield node, Wire(start, key, rate)
        return
    for one in servers:
        key = f"{pool['name']}/{one['name']}"
        tone = STATUS_TONE.get(one["status"], "warn")
        said = f"{one['address']} · {one['status']}"
        yield (
            Node(key, 3, one["name"], said, tone if tone != "good" else "", server_page(one)),
            Wire(start, key, one["rate"]),
        )


# --- the picture ------------------------------------------------------------------------------


def wiring(found: Wired, viewer: Viewer) -> str:
    """The page."""
    live = el(
        "section",
        {"class": "wiring", "data-key": "wiring"},
        el(
            "div",
            {"class": "head"},
            el("h1", None, "Wiring"),
            el("p", {"class": "facts"},
               [el("span", None, text) for text in ("listener", "rule", "pool", "server")]),
        ),
        _picture(found) if found.nodes else el("p", {"class": "empty"}, "Nothing is configured yet."),
        el("details", None, el("summary", None, "As text"), _text(found)),
    )  # fmt: skip
    return page("Wiring", live, viewer, "/wiring")


def _places(nodes: Sequence[Node]) -> dict[str, tuple[float, float]]:
    """Where the upper left corner of each box is; columns are centred on the tallest."""
    columns: list[list[Node]] = [[one for one in nodes if one.column == number] for number in range(4)]
    tallest = max(len(column) for column in columns)
    places = {}
    for number, column in enumerate(columns):
        left = number * (WIDTH - BOX) / 3
        step = (HEIGHT + GAP) * tallest / max(1, len(column))
        for index, node in enumerate(column):
            places[node.key] = left, step * (index + 0.5) - HEIGHT / 2
    return places


def _picture(found: Wired) -> Html:
    places = _places(found.nodes)
    height = max(top for _, top in places.values()) + HEIGHT + GAP
    lines = [_line(one, places) for one in found.wires]
    boxes = [_box(one, *places[one.key]) for one in found.nodes]
    return el(
        "div",
        {"class": "scroll", "role": "region", "aria-label": "The picture", "tabindex": "0"},
        el(
            "svg",
            {"viewBox": f"0 0 {WIDTH} {height:.0f}", "class": "wires", "role": "img",
             "aria-label": "Listeners, rules, pools and servers; the same as text is below"},
            lines,
            boxes,
        ),
    )  # fmt: skip


def _line(wire: Wire, places: dict[str, tuple[float, float]]) -> Html:
    (left, top), (right, bottom) = places[wire.start], places[wire.end]
    start, end = (left + BOX, top + HEIGHT / 2), (right, bottom + HEIGHT / 2)
    bend = (start[0] + end[0]) / 2
    points = (start, (bend, start[1]), (bend, end[1]), end)
    path = "M{} C{} {} {}".format(*(f"{x:.0f} {y:.0f}" for x, y in points))
    return el(
        "path",
        {
            "d": path,
            "class": "idle" if wire.rate == 0 else None,
            "stroke-width": f"{width(wire.rate):.1f}",
            "data-key": f"{wire.start}>{wire.end}",
        },
        el("title", None, f"{wire.start} → {wire.end}: {per_second(wire.rate)}/s"),
    )


def width(rate: float | None) -> float:
    """Of a line: each ten times as much traffic is three units more."""
    return 1.0 + 3.0 * math.log10(1.0 + rate) if rate else 1.0


def _box(node: Node, left: float, top: float) -> Html:
    drawn: Child = (
        el("rect", {"x": f"{left:.0f}", "y": f"{top:.0f}", "width": BOX, "height": HEIGHT, "rx": 8}),
        el("text", {"x": f"{left + 12:.0f}", "y": f"{top + 19:.0f}", "class": "title"}, _short(node.title)),
        el("text", {"x": f"{left + 12:.0f}", "y": f"{top + 36:.0f}"}, _short(node.more, LONGEST + 3)),
        el("title", None, f"{node.title} {node.more}"),
    )
    if node.href:
        drawn = el("a", {"href": node.href}, drawn)
    return el("g", {"class": f"box {node.tone}".strip(), "data-key": node.key}, drawn)


def _short(text: str, most: int = LONGEST) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _text(found: Wired) -> Html:
    named = {one.key: one for one in found.nodes}
    rows = [
        el("li", None, f"{one.start} → {one.end}, {per_second(one.rate)}/s"
           + (f" ({named[one.end].tone})" if named[one.end].tone else ""))
        for one in found.wires
    ]  # fmt: skip
    return el("ul", None, rows)

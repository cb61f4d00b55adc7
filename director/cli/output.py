"""What the commands print: JSON of the API in, lines of text out.

Pure.  Tables are aligned, and their last column takes what is left of the width: that of the terminal, or
all it wants where nobody reads columns.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

WIDTH = 80
UNBOUNDED = 10_000
"""Columns of a wide table: nothing is wrapped."""
CLEAR = "\x1b[H\x1b[2J"
"""Puts a terminal's cursor to the top and clears it (ECMA-48 CUP, ED)."""
GAP = "  "
UNKNOWN = "-"
CHANGES_SHOWN = 20
"""Changes of one order that are listed; a large reload says how many more there are."""
ROWS_ASKED = 1000
"""Flows, events and generations that are asked for: as many as the API gives."""
KEYS_SHOWN = 5
"""Services that are named before a reason; more are counted."""
NUMBER = re.compile(r"-?[0-9][0-9.,]*( ms| s)?|-")

JsonObject = dict[str, Any]


def clean(text: object) -> str:
    """Text that cannot steer a terminal: control characters are shown as escapes."""
    return "".join(one if unicodedata.category(one)[0] != "C" else f"\\x{ord(one):02x}" for one in str(text))


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], width: int = WIDTH) -> str:
    """Aligned columns, numbers to the right; the last column is wrapped into the width."""
    cells = [[clean(cell) for cell in row] for row in rows]
    if not cells:
        return ""
    columns = range(len(heads))
    widths = [max(len(heads[index]), *(len(row[index]) for row in cells)) for index in columns]
    right = [all(NUMBER.fullmatch(row[index]) for row in cells) for index in columns]
    left = sum(widths[:-1]) + len(GAP) * (len(heads) - 1)
    room = max(width - left, len(heads[-1]), 12)
    lines = [_line(heads, widths, right)]
    for row in cells:
        first, *more = wrap(row[-1], room)
        lines.append(_line([*row[:-1], first], widths, right))
        lines += [" " * left + one for one in more]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    return GAP.join(
        cell.rjust(size) if number else cell.ljust(size)
        for cell, size, number in zip(cells, widths, right, strict=True)
    )


def wrap(text: str, room: int) -> list[str]:
    """Text in lines of at most `room` characters, broken at spaces where there are some."""
    lines, rest = [], text
    while len(rest) > room:
        at = rest.rfind(" ", 0, room + 1)
        at = at if at > 0 else room
        lines.append(rest[:at].rstrip(" "))
        rest = rest[at:].lstrip(" ")
    return [*lines, rest]


def rate(value: float | None) -> str:
    """Requests per second."""
    return UNKNOWN if value is None else f"{value:.1f}"


def duration(seconds: float | None) -> str:
    """A latency."""
    if seconds is None:
        return UNKNOWN
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def ago(seconds: float | None) -> str:
    """How long, in its largest unit."""
    if seconds is None:
        return UNKNOWN
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"


# --- one function for each thing that can be shown ------------------------------------------


def services(found: list[JsonObject], width: int = WIDTH) -> str:
    """All services; layer 4 knows no requests, so its connections stand there."""
    rows = [
        (
            one["key"],
            one["pool"] or UNKNOWN,
            *_work(one),
            sum(one["errors"].values()),
            duration(one["latency"]["p99"]),
            ", ".join(_place(place) for place in one["listeners"]) or ", ".join(one["listen"]),
        )
        for one in found
    ]
    heads = ("SERVICE", "POOL", "REQ/S", "REQUESTS", "ERRORS", "P99", "LISTENS ON")
    return (table(heads, rows, width) or "No services.\n") + _obstacles(found, width)


def _work(one: JsonObject) -> tuple[str, int]:
    """How much a service has to do: rate and total."""
    if one["layer"] == "l4":
        return rate(float(one["traffic"]["rates"]["conns"])), one["traffic"]["conns"]
    return rate(one["rate"]), one["requests"]


def _place(place: JsonObject) -> str:
    return place["address"] if place["bound"] else f"{place['address']} (NOT SERVED)"


def _obstacles(found: list[JsonObject], width: int) -> str:
    """What is wrong with listeners, each reason once with the services that it keeps from working."""
    reasons: dict[str, list[str]] = {}
    for one in found:
        for place in one["listeners"]:
            if place["error"]:
                reasons.setdefault(place["error"], []).append(one["key"])
    lines = []
    for reason, keys in reasons.items():
        more = f" and {len(keys) - KEYS_SHOWN} more" if len(keys) > KEYS_SHOWN else ""
        lines += ["", f"{', '.join(keys[:KEYS_SHOWN])}{more}:"]
        lines += [f"  {line}" for line in wrap(clean(reason), width - 2)]
    return "".join(f"{line}\n" for line in lines)


def connections(found: list[JsonObject], limit: int = ROWS_ASKED, width: int = WIDTH) -> str:
    """Layer-4 flows and templates, as `ipvsadm -Lc` has them; `limit` is how many were asked for."""
    rows = [
        (
            one["protocol"],
            f"{int(one['expires']) // 60:02d}:{int(one['expires']) % 60:02d}",
            one["state"],
            one["client"],
            one["virtual"],
            one["target"],
        )
        for one in found
    ]
    heads = ("PRO", "EXPIRE", "STATE", "CLIENT", "VIRTUAL", "SERVER")
    shown = table(heads, rows, width) or "No connections.\n"
    if not found or len(found) < limit:
        return shown
    return (
        f"{shown}These are the {len(found)} newest; after={found[-1]['id']} shows older ones, and "
        "director_l4_flows in /metrics says how many there are.\n"
    )


def pools(found: list[JsonObject], width: int = WIDTH) -> str:
    """All pools."""
    rows = [
        (
            one["name"],
            f"{one['eligible']} of {one['total']}",
            one["queue"]["waiting"],
            "; ".join((one["scheduler"], *one["replaced"])),
            f"{', '.join(one['used_by']) or 'not used'}{_none(one)}",
        )
        for one in found
    ]
    return table(("POOL", "READY", "WAITING", "SCHEDULER", "USED BY"), rows, width) or "No pools.\n"


def _none(pool: JsonObject) -> str:
    """Why a pool cannot serve."""
    return f" (CANNOT SERVE: {pool['why_none']})" if pool["why_none"] else ""


def servers(found: list[JsonObject], width: int = WIDTH) -> str:
    """The servers of all pools."""
    rows = [
        (
            f"{one['pool']}/{one['name']}",
            one["address"],
            one["weight"],
            f"{one['load']}/{one['max']}" if one["max"] else one["load"],
            rate(one["rate"]),
            ago(one["for"]),
            f"{one['status']}{_evidence(one)}",
        )
        for one in found
    ]
    return (
        table(("SERVER", "ADDRESS", "WEIGHT", "LOAD", "REQ/S", "SINCE", "STATE"), rows, width)
        or "No servers.\n"
    )


def wide_services(found: list[JsonObject]) -> str:
    """All services with what only some have: how packets are forwarded, by which scheduler, for how long."""
    rows = [
        (
            one["key"],
            one["pool"] or UNKNOWN,
            one.get("protocol") or UNKNOWN,
            one.get("forward") or UNKNOWN,
            one.get("scheduler") or UNKNOWN,
            UNKNOWN if one.get("persistent") is None else f"{one['persistent']:g} s",
            *_work(one),
            sum(one["errors"].values()),
            duration(one["latency"]["p99"]),
            ", ".join(_place(place) for place in one["listeners"]) or ", ".join(one["listen"]),
        )
        for one in found
    ]
    heads = (
        "SERVICE", "POOL", "PROTOCOL", "METHOD", "SCHEDULER", "PERSISTENT", "REQ/S", "REQUESTS", "ERRORS",
        "P99", "LISTENS ON",
    )  # fmt: skip
    return (table(heads, rows, UNBOUNDED) or "No services.\n") + _obstacles(found, UNBOUNDED)


def wide_servers(found: list[JsonObject], services: list[JsonObject]) -> str:
    """The servers of all pools with their connections and thresholds, and how packets reach them."""
    methods: dict[str, dict[str, None]] = {}
    for service in services:
        if service["layer"] == "l4":
            methods.setdefault(service["pool"], {})[service["forward"]] = None
    rows = [
        (
            f"{one['pool']}/{one['name']}",
            one["address"],
            one["forward"] or ", ".join(methods.get(one["pool"], ())) or UNKNOWN,
            one["weight"],
            one["active"],
            one["inactive"],
            one["persistent"],
            one["min"] or UNKNOWN,
            one["max"] or UNKNOWN,
            rate(one["rate"]),
            ago(one["for"]),
            f"{one['status']}{_evidence(one)}",
        )
        for one in found
    ]
    heads = (
        "SERVER", "ADDRESS", "METHOD", "WEIGHT", "ACTIVE", "INACTIVE", "PERSISTENT", "MIN", "MAX", "REQ/S",
        "SINCE", "STATE",
    )  # fmt: skip
    return table(heads, rows, UNBOUNDED) or "No servers.\n"


def _evidence(one: JsonObject) -> str:
    failed = [
        f"{check['check']}: {check['evidence']}" for check in one["checks"] if check["verdict"] == "down"
    ]
    failed += [one["note"]] if one["note"] else []
    return f" ({'; '.join(failed)})" if failed else ""


def rules(found: list[JsonObject], width: int = WIDTH) -> str:
    """All rules in order."""
    rows = [
        (one["number"], one["title"], one["service"], one["requests"], f"{one['action']}{_when(one)}")
        for one in found
    ]
    return table(("NO", "RULE", "SERVICE", "HITS", "DOES"), rows, width) or "No rules.\n"


def _when(one: JsonObject) -> str:
    return f" when {one['when']}" if one["when"] else ""


def processes(found: list[JsonObject], width: int = WIDTH) -> str:
    """The processes and what they use; the share is that of all requests."""
    total = sum(one["requests"] for one in found)
    rows = [
        (
            one["name"] if one["serving"] else f"{one['name']} (begins)",
            one["pid"],
            one["clients"],
            f"{100 * one['requests'] / total:.0f} %" if total else UNKNOWN,
            f"{one['cpu']:.1f}s",
            f"{one['rss'] / (1 << 20):.0f} MB",
            ago(one["age"]),
        )
        for one in found
    ]
    return table(("PROCESS", "PID", "CLIENTS", "SHARE", "CPU", "MEMORY", "AGE"), rows, width)


def checks(found: list[JsonObject], width: int = WIDTH) -> str:
    """Health evidence."""
    rows = [
        (
            one["check"],
            one["address"],
            one["verdict"],
            ago(one["for"]),
            duration(one["seconds"]),
            "".join("+" if good else "x" for good in one["last"]) or UNKNOWN,
            one["evidence"],
        )
        for one in found
    ]
    return (
        table(("CHECK", "ADDRESS", "STATE", "SINCE", "TOOK", "LAST", "EVIDENCE"), rows, width)
        or "No checks.\n"
    )


def events(found: list[JsonObject], width: int = WIDTH) -> str:
    """What happened, newest first."""
    rows = [(one["time"], one["level"], one["text"]) for one in found]
    return table(("TIME", "LEVEL", "EVENT"), rows, width) or "No events.\n"


def generations(found: list[JsonObject], width: int = WIDTH) -> str:
    """Who changed what, newest first."""
    rows = [(one["number"], one["time"], one["author"], _changes(one["diff"])) for one in found]
    return table(("NO", "TIME", "AUTHOR", "CHANGES"), rows, width) or "No generations.\n"


def _changes(diff: list[str]) -> str:
    more = f"; and {len(diff) - CHANGES_SHOWN} more" if len(diff) > CHANGES_SHOWN else ""
    return f"{'; '.join(diff[:CHANGES_SHOWN])}{more}" or "nothing"


def schedulers(found: list[JsonObject], width: int = WIDTH) -> str:
    """Who picks for whom."""
    rows = [
        (one["scheduler"], one["own"]["file"] if one["own"] else UNKNOWN, ", ".join(one["used_by"]))
        for one in found
    ]
    return table(("SCHEDULER", "FILE", "USED BY"), rows, width) or "No schedulers.\n"


def matches(one: object, words: Sequence[str]) -> bool:
    """Whether a row has all of these words, in any of its texts; a server also as POOL/SERVER."""
    texts = [text.lower() for text in _texts(one)]
    if isinstance(one, dict) and "pool" in one and "name" in one:
        texts.append(f"{one['pool']}/{one['name']}".lower())
    return all(any(word.lower() in text for text in texts) for word in words)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def still_idle(server: JsonObject, order: JsonObject) -> str:
    """Why a server that was just made ready, or given a weight, takes nothing all the same; or ''."""
    wanted = order.get("state") == "ready" or order.get("weight", 0) > 0
    if not wanted or server["eligible"]:
        return ""
    name = f"{server['pool']}/{server['name']}"
    if server["weight"] == 0:
        return f"{name} has weight 0 and takes nothing new; give it one: director weight {name} 1"
    if server["state"] != "ready":
        return f"{name} is ordered to {server['state']}; let it take new clients: director ready {name}"
    if server["health"] in {"down", "checking"}:
        return f"{name} takes nothing new while it is {server['health']}; see: director show checks {name}"
    return ""


def completion(shell: str, words: Mapping[str, Sequence[str]]) -> str:
    """A script for a shell: commands, and what may stand behind them."""
    commands = " ".join(words)
    if shell == "fish":
        lines = [f"complete -c director -f -n __fish_use_subcommand -a '{commands}'"]
        lines += [
            f"complete -c director -f -n '__fish_seen_subcommand_from {name}' -a '{' '.join(more)}'"
            for name, more in words.items()
            if more
        ]
        return "\n".join(lines) + "\n"
    cases = "".join(f"    {name}) words='{' '.join(more)}' ;;\n" for name, more in words.items() if more)
    load = "autoload -U +X bashcompinit && bashcompinit\n" if shell == "zsh" else ""
    return (
        f"{load}_director() {{\n"
        f"  local words='{commands}'\n"
        f'  [ "$COMP_CWORD" -gt 1 ] && case "${{COMP_WORDS[1]}}" in\n{cases}    *) words= ;;\n  esac\n'
        '  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))\n'
        "}\ncomplete -o default -F _director director\n"
    )


def why(trace: JsonObject, width: int = WIDTH) -> str:
    """A decision as sentences, with the request it was made for."""
    head = f"{trace['method']} {trace['host']}{trace['target']} from {trace['client']} at {trace['service']}"
    lines = [f"  {wrapped}" for part in trace["story"] for wrapped in wrap(clean(part), width - 2)]
    name = f"request {clean(trace['id'])}, {clean(trace['time'])}\n" if trace["id"] else ""
    return f"{name}{clean(head)}\n" + "\n".join(lines) + "\n"


def applied(answer: JsonObject) -> str:
    """What a change did."""
    if answer.get("dry_run"):
        lines = [f"would do: {clean(line)}" for line in answer["diff"]] or ["nothing would change"]
    elif not answer["diff"]:
        lines = [f"nothing changed; generation {answer['generation']} runs"]
    else:
        lines = [clean(line) for line in answer["diff"][:CHANGES_SHOWN]]
        if len(answer["diff"]) > CHANGES_SHOWN:
            lines.append(f"and {len(answer['diff']) - CHANGES_SHOWN} more")
        lines.append(f"generation {answer['generation']} runs")
    return "\n".join(lines) + "\n"


def problems(found: Sequence[JsonObject]) -> str:
    """Findings of a configuration check, and their number."""
    lines = [f"{one['at']}: {one['severity']}: {one['message']}" for one in found]
    errors = sum(one["severity"] == "error" for one in found)
    return "\n".join([*lines, count(errors, len(found) - errors)]) + "\n"


def count(errors: int, warnings: int) -> str:
    """`no errors, 1 warning`."""
    return f"{_number(errors, 'error')}, {_number(warnings, 'warning')}"


def _number(value: int, word: str) -> str:
    return f"{value or 'no'} {word}{'' if value == 1 else 's'}"

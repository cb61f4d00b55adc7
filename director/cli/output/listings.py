"""A table for each kind of thing that can be shown: its columns as rows of one.

A column is a heading and where its cell comes from: a key of the API's answer, or a function of it.  The
last column takes what is left of the width: that of the terminal, or all it wants where nobody reads columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from attrs import frozen

from director.cli.output.table import WIDTH, clean, table, wrap
from director.cli.output.units import UNKNOWN, ago, duration, rate

JsonObject = dict[str, Any]
Cell = str | Callable[[JsonObject], object]
Column = tuple[str, Cell]

CHANGES_SHOWN = 20
"""Changes of one generation that are listed."""
ROWS_ASKED = 1000
"""Flows, events and generations that are asked for: as many as the API gives."""
KEYS_SHOWN = 5
"""Services that are named before a reason; more are counted."""


def _nothing(found: Sequence[JsonObject], width: int) -> str:
    return ""


@frozen
class Listing:
    """How things of one kind are listed.

    Attributes:
        empty: what is said instead of a table without rows.
        below: makes what stands under the table, of the rows and the width.
    """

    columns: tuple[Column, ...]
    empty: str = ""
    below: Callable[[Sequence[JsonObject], int], str] = _nothing

    def __call__(self, found: Sequence[JsonObject], width: int = WIDTH) -> str:
        """The table."""
        heads = [head for head, _ in self.columns]
        rows = [[_cell(one, cell) for _, cell in self.columns] for one in found]
        return (table(heads, rows, width) or self.empty) + self.below(found, width)


def _cell(one: JsonObject, cell: Cell) -> object:
    return one[cell] if isinstance(cell, str) else cell(one)


def _or_unknown(key: str) -> Cell:
    return lambda one: one.get(key) or UNKNOWN


def _ago(key: str) -> Cell:
    return lambda one: ago(one[key])


# --- services -----------------------------------------------------------------------------------


def _rate_of_service(one: JsonObject) -> str:
    """Layer 4 knows no requests, so its connections stand there."""
    return rate(float(one["traffic"]["rates"]["conns"]) if one["layer"] == "l4" else one["rate"])


def _work_of_service(one: JsonObject) -> int:
    total: int = one["traffic"]["conns"] if one["layer"] == "l4" else one["requests"]
    return total


def _listeners(one: JsonObject) -> str:
    stopped = "" if one.get("start", True) else " (stopped)"
    return ", ".join(_listener(place) for place in one["listeners"]) or ", ".join(one["listen"]) + stopped


def _listener(place: JsonObject) -> str:
    return place["address"] if place["bound"] else f"{place['address']} (NOT SERVED)"


def _persistence(one: JsonObject) -> str:
    return UNKNOWN if one.get("persistent") is None else f"{one['persistent']:g} s"


def _obstacles(found: Sequence[JsonObject], width: int) -> str:
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


_SERVICE: tuple[Column, ...] = (("SERVICE", "key"), ("POOL", _or_unknown("pool")))
_SERVICE_WORK: tuple[Column, ...] = (
    ("REQ/S", _rate_of_service),
    ("REQUESTS", _work_of_service),
    ("ERRORS", lambda one: sum(one["errors"].values())),
    ("P99", lambda one: duration(one["latency"]["p99"])),
    ("LISTENS ON", _listeners),
)
SERVICES = Listing((*_SERVICE, *_SERVICE_WORK), "No services.\n", _obstacles)
WIDE_SERVICES = Listing(
    (
        *_SERVICE,
        ("PROTOCOL", _or_unknown("protocol")),
        ("METHOD", _or_unknown("forward")),
        ("SCHEDULER", _or_unknown("scheduler")),
        ("PERSISTENT", _persistence),
        *_SERVICE_WORK,
    ),
    "No services.\n",
    _obstacles,
)

# --- pools and servers --------------------------------------------------------------------------


def _users(pool: JsonObject) -> str:
    """Whom a pool serves, and why it cannot."""
    none = f" (CANNOT SERVE: {pool['why_none']})" if pool["why_none"] else ""
    panic = f" (PANIC: {pool['panic']})" if pool["panic"] else ""
    return f"{', '.join(pool['used_by']) or 'not used'}{none}{panic}"


def _status(one: JsonObject) -> str:
    """The state of a server and what speaks for it."""
    failed = [
        f"{check['check']}: {check['evidence']}" for check in one["checks"] if check["verdict"] == "down"
    ]
    failed += [one["note"]] if one["note"] else []
    why = f" ({'; '.join(failed)})" if failed else ""
    return f"{one['status']}{why}"


def _load(one: JsonObject) -> object:
    return f"{one['load']}/{one['max']}" if one["max"] else one["load"]


POOLS = Listing(
    (
        ("POOL", "name"),
        ("READY", lambda one: f"{one['eligible']} of {one['total']}"),
        ("WAITING", lambda one: one["queue"]["waiting"]),
        ("SCHEDULER", lambda one: "; ".join((one["scheduler"], *one["replaced"]))),
        # Nobody misses a pool that is not used.
        ("USED BY", lambda one: _users(one) if one["used_by"] else "not used"),
    ),
    "No pools.\n",
)
_SERVER: tuple[Column, ...] = (
    ("SERVER", lambda one: f"{one['pool']}/{one['name']}"),
    ("ADDRESS", "address"),
)
_SERVER_STATE: tuple[Column, ...] = (
    ("REQ/S", lambda one: rate(one["rate"])),
    ("SINCE", _ago("for")),
    ("STATE", _status),
)
SERVERS = Listing((*_SERVER, ("WEIGHT", "weight"), ("LOAD", _load), *_SERVER_STATE), "No servers.\n")
WIDE_SERVERS = Listing(
    (
        *_SERVER,
        ("METHOD", _or_unknown("method")),
        ("WEIGHT", "weight"),
        ("ACTIVE", "active"),
        ("INACTIVE", "inactive"),
        ("PERSISTENT", "persistent"),
        ("MIN", _or_unknown("min")),
        ("MAX", _or_unknown("max")),
        *_SERVER_STATE,
    ),
    "No servers.\n",
)
"""Of rows that `with_methods` gave a `method`."""


def with_methods(servers: Sequence[JsonObject], services: Sequence[JsonObject]) -> list[JsonObject]:
    """Servers, each with how the packets of layer 4 reach it: by its own line, or by its pool's services."""
    methods: dict[str, dict[str, None]] = {}
    for service in services:
        if service["layer"] == "l4":
            methods.setdefault(service["pool"], {})[service["forward"]] = None
    return [{**one, "method": one["forward"] or ", ".join(methods.get(one["pool"], ()))} for one in servers]


# --- the rest ------------------------------------------------------------------------------------


def _rule(one: JsonObject) -> str:
    when = f" when {one['when']}" if one["when"] else ""
    return f"{one['action']}{when}"


def _changes(one: JsonObject) -> str:
    diff = one["diff"]
    more = f"; and {len(diff) - CHANGES_SHOWN} more" if len(diff) > CHANGES_SHOWN else ""
    return f"{'; '.join(diff[:CHANGES_SHOWN])}{more}" or "nothing"


CONNECTIONS = Listing(
    (
        ("PRO", "protocol"),
        ("EXPIRE", lambda one: f"{int(one['expires']) // 60:02d}:{int(one['expires']) % 60:02d}"),
        ("STATE", "state"),
        ("CLIENT", "client"),
        ("VIRTUAL", "virtual"),
        ("SERVER", "target"),
    ),
    "No connections.\n",
)
"""Layer-4 flows and templates, as `ipvsadm -Lc` has them."""
RULES = Listing(
    (("NO", "number"), ("RULE", "title"), ("SERVICE", "service"), ("HITS", "requests"), ("DOES", _rule)),
    "No rules.\n",
)
CHECKS = Listing(
    (
        ("CHECK", "check"),
        ("ADDRESS", "address"),
        ("STATE", "verdict"),
        ("SINCE", _ago("for")),
        ("TOOK", lambda one: duration(one["seconds"])),
        ("LAST", lambda one: "".join("+" if good else "x" for good in one["last"]) or UNKNOWN),
        ("EVIDENCE", "evidence"),
    ),
    "No checks.\n",
)
EVENTS = Listing((("TIME", "time"), ("LEVEL", "level"), ("EVENT", "text")), "No events.\n")
GENERATIONS = Listing(
    (("NO", "number"), ("TIME", "time"), ("AUTHOR", "author"), ("CHANGES", _changes)), "No generations.\n"
)
TOKENS = Listing(
    (
        ("ID", "id"),
        ("USER", "user"),
        ("ROLE", "role"),
        ("EXPIRES", lambda one: one["expires"] or "with its user"),
        ("MADE", "made"),
        ("BY", "by"),
        ("NOTE", "note"),
    ),
    "No API tokens; director token create USER makes one.\n",
)
SESSIONS = Listing(
    (
        ("ID", "id"),
        ("USER", lambda one: one["user"] or "(link or admin token)"),
        ("ROLE", "role"),
        ("FROM", "from"),
        ("SINCE", "opened"),
        ("LAST USED", "used"),
    ),
    "Nobody is signed in.\n",
)
SCHEDULERS = Listing(
    (
        ("SCHEDULER", "scheduler"),
        ("FILE", lambda one: one["own"]["file"] if one["own"] else UNKNOWN),
        ("USED BY", lambda one: ", ".join(one["used_by"])),
    ),
    "No schedulers.\n",
)
PROCESSES = Listing(
    (
        ("PROCESS", lambda one: one["name"] if one["serving"] else f"{one['name']} (begins)"),
        ("PID", "pid"),
        ("CLIENTS", "clients"),
        ("SHARE", "share"),
        ("CPU", lambda one: f"{one['cpu']:.1f}s"),
        ("MEMORY", lambda one: f"{one['rss'] / (1 << 20):.0f} MB"),
        ("AGE", _ago("age")),
    )
)
"""Of rows that `with_shares` gave a `share`."""


def with_shares(found: Sequence[JsonObject]) -> list[JsonObject]:
    """Processes, each with its share of all requests."""
    total = sum(one["requests"] for one in found)
    return [{**one, "share": f"{100 * one['requests'] / total:.0f} %" if total else UNKNOWN} for one in found]


def older(found: Sequence[JsonObject], limit: int) -> str:
    """Where the connections behind a full page are; `limit` is how many were asked for."""
    if not found or len(found) < limit:
        return ""
    return (
        f"These are the {len(found)} newest; after={found[-1]['id']} shows older ones, and "
        "director_l4_flows in /metrics says how many there are.\n"
    )


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

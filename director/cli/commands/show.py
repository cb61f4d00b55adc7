"""`director show THING [FILTER…]`: `THINGS` says where each comes from and how it is listed."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from attrs import frozen

from director.cli.client import NOT_REACHABLE, Refused
from director.cli.command import Command, argument
from director.cli.following import follow
from director.cli.invocation import DONE, USAGE, Invocation, say, warn
from director.cli.lvs import combined
from director.cli.output import drills, listings, proofs
from director.cli.output.listings import ROWS_ASKED, Listing, matches
from director.cli.output.table import CLEAR, clean

WATCH_SECONDS = 2.0
PROC = ("ip_vs", "ip_vs_conn", "ip_vs_conn_sync", "ip_vs_stats")
LIMIT = f"limit={ROWS_ASKED}"
LAST_EVENTS = 20
"""Events of the past that are listed before those that come."""
CONNECTION_FILTERS = ("client", "service", "server", "limit", "after")

Rows = list[dict[str, Any]]


def again(call: Invocation, show: Callable[[], int]) -> int:
    """Show it every `WATCH_SECONDS`, without an end; a director that goes is waited for.

    Raises Refused when it is not there to begin with, or says no.
    """
    seen = lost = False
    call.before = CLEAR if sys.stdout.isatty() else ""
    while True:
        try:
            show()
            seen, lost = True, False
        except Refused as refused:
            if refused.code != NOT_REACHABLE or not seen:
                raise
            if not lost:
                warn("the director is gone; waiting for it to come back")
            lost = True
        time.sleep(WATCH_SECONDS)


@frozen
class Shown:
    """What there is of a thing now: the rows that are asked for, and lines to print below them."""

    rows: Rows
    below: str = ""


@frozen
class Thing:
    """A thing that can be shown.

    Attributes:
        found: asks for its rows, those that fit the words.
        ready: what the table needs besides, which JSON has not.
        wide: the listing of `--wide`.
    """

    listing: Listing
    found: Callable[[Invocation, Sequence[str]], Shown]
    ready: Callable[[Invocation, Rows], Rows] = lambda _call, rows: rows
    wide: Listing | None = None

    def watch(self, call: Invocation, words: Sequence[str]) -> int:
        """Print it again and again."""
        return again(call, lambda: self.show(call, words))

    def show(self, call: Invocation, words: Sequence[str]) -> int:
        """Print what there is now."""
        shown = self.found(call, words)
        listing = self.wide if self.wide is not None and call.options.wide else self.listing
        return call.show(shown.rows, lambda rows: listing(self.ready(call, rows), call.width) + shown.below)


def _rows(*place: str, query: str = "") -> Callable[[Invocation, Sequence[str]], Shown]:
    """All rows of a place in the API that have the words."""

    def found(call: Invocation, words: Sequence[str]) -> Shown:
        return Shown([one for one in call.client.get(*place, query=query) if matches(one, words)])

    return found


def _servers(call: Invocation, words: Sequence[str]) -> Shown:
    """Those of all pools."""
    servers = (server for pool in call.client.get("pools") for server in pool["servers"])
    return Shown([one for one in servers if matches(one, words)])


def _methods(call: Invocation, rows: Rows) -> Rows:
    return listings.with_methods(rows, call.client.get("services")) if call.options.wide else rows


def _connections(call: Invocation, words: Sequence[str]) -> Shown:
    """One page of them; words with `=` are for the API."""
    query, limit = connection_query([word for word in words if "=" in word])
    words = [word for word in words if "=" not in word]
    rows = [one for one in call.client.get("connections", query=query) if matches(one, words)]
    return Shown(rows, listings.older(rows, limit))


def connection_query(words: Sequence[str]) -> tuple[str, int]:
    """The API's query for `KEY=VALUE` words, and how many connections it asks for.  Raises Refused."""
    query = {"limit": str(ROWS_ASKED)}
    for word in words:
        key, _, value = word.partition("=")
        if key not in CONNECTION_FILTERS or not value:
            names = ", ".join(f"{one}=…" for one in CONNECTION_FILTERS)
            raise Refused(f"{word!r} is no filter of connections; there are {names}", code=USAGE)
        query[key] = value
    limit = query["limit"]
    return urlencode(query), int(limit) if limit.isdecimal() else 0


class ConfigurationText:
    """The merged ini: a text, not rows."""

    def watch(self, call: Invocation, words: Sequence[str]) -> int:
        """Print it again and again."""
        return again(call, lambda: self.show(call, words))

    def show(self, call: Invocation, words: Sequence[str]) -> int:
        """Print it."""
        if words:
            raise Refused("the configuration is one text and takes no filter; use grep", code=USAGE)
        return call.show(call.client.text("config"), str)


class Checks(Thing):
    """The checks; of one server (`POOL/SERVER`) all that is known of its health."""

    def show(self, call: Invocation, words: Sequence[str]) -> int:
        """Print what there is now."""
        if len(words) == 1 and words[0].count("/") == 1 and not words[0].startswith("/"):
            return call.show(
                call.client.get("checks", *words[0].split("/")),
                lambda found: proofs.evidence(found, call.width),
            )
        return super().show(call, words)


class EventLines(Thing):
    """What happened; watched, each event is a line as it comes, also over a restart of the director."""

    def watch(self, call: Invocation, words: Sequence[str]) -> int:
        """The last events, oldest first, then those that come."""
        client = call.client
        rows = client.get("events", query=LIMIT)
        for one in reversed([one for one in rows if matches(one, words)][:LAST_EVENTS]):
            say(self._line(call, one))
        for event in follow(client, rows[0]["id"] if rows else 0, warn):
            if event.kind == "gap":
                warn(f"what happened before event {event.data['oldest']} is not kept any more")
            elif matches(event.data, words):
                say(self._line(call, event.data))
        return DONE

    @staticmethod
    def _line(call: Invocation, event: Mapping[str, Any]) -> str:
        """For people in columns; for programs a JSON object on a line."""
        if call.as_json:
            return json.dumps(event, ensure_ascii=False) + "\n"
        return f"{clean(event['time'])}  {clean(event['level']):<8}  {clean(event['text'])}\n"


class Lvs:
    """What LVS's own tools would show: a list, or a file of `/proc/net`."""

    def watch(self, call: Invocation, words: Sequence[str]) -> int:
        """Print it again and again."""
        return again(call, lambda: self.show(call, words))

    def show(self, call: Invocation, words: Sequence[str]) -> int:
        """Print services of both layers as `ipvsadm -Ln`, or the file that `--proc` names."""
        client = call.client
        if call.options.proc:
            return call.show(client.text("lvs", call.options.proc), str)
        pools = {one["name"]: one for one in client.get("pools")}
        found = combined.rows(client.get("services"), pools, client.get("rules"))
        found = [one for one in found if matches(one, words)]
        if call.as_json:
            return call.show([combined.plain(one) for one in found], str)
        size = client.get("layer4")["size"]
        return call.show(found, lambda rows: combined.text(rows, size))


THINGS: Mapping[str, Thing | ConfigurationText | Lvs] = {
    "services": Thing(listings.SERVICES, _rows("services"), wide=listings.WIDE_SERVICES),
    "pools": Thing(listings.POOLS, _rows("pools")),
    "servers": Thing(listings.SERVERS, _servers, _methods, listings.WIDE_SERVERS),
    "connections": Thing(listings.CONNECTIONS, _connections),
    "rules": Thing(listings.RULES, _rows("rules")),
    "checks": Checks(listings.CHECKS, _rows("checks")),
    "events": EventLines(listings.EVENTS, _rows("events", query=LIMIT)),
    "generations": Thing(listings.GENERATIONS, _rows("generations", query=LIMIT)),
    "faults": Thing(drills.faults, _rows("faults")),
    "sessions": Thing(listings.SESSIONS, _rows("sessions")),
    "schedulers": Thing(listings.SCHEDULERS, _rows("schedulers")),
    "processes": Thing(
        listings.PROCESSES, _rows("processes"), lambda _call, rows: listings.with_shares(rows)
    ),
    "lvs": Lvs(),
    "config": ConfigurationText(),
}


def run(call: Invocation) -> int:
    """Print it once, or again and again with `--watch`."""
    thing, words = THINGS[call.options.thing], call.options.filter
    if call.options.proc and not isinstance(thing, Lvs):
        raise Refused("--proc is of lvs: director show lvs --proc ip_vs", code=USAGE)
    if call.options.watch:
        return thing.watch(call, words)
    return thing.show(call, words)


COMMAND = Command(
    "show",
    "Show what the director has.",
    run,
    (
        argument("thing", choices=tuple(THINGS), metavar="THING", help=" | ".join(THINGS)),
        argument(
            "filter",
            nargs="*",
            metavar="FILTER",
            help="rows with all of these words; of checks one POOL/SERVER tells all; of connections also "
            + ", ".join(f"{one}=" for one in CONNECTION_FILTERS),
        ),
        argument("--wide", action="store_true", help="all columns, and no folding to the terminal's width"),
        argument("--proc", choices=PROC, metavar="|".join(PROC), help="of lvs: a file of /proc/net"),
        argument(
            "--watch",
            action="store_true",
            help="show it again every two seconds; of events each one as it comes",
        ),
    ),
)

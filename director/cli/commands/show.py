"""`director show THING [FILTER…]`: `THINGS` says where each comes from and how it is listed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from attrs import frozen

from director.cli.client import Refused
from director.cli.command import Command, argument
from director.cli.invocation import USAGE, Invocation, say
from director.cli.lvs import combined
from director.cli.output import drills, listings, proofs
from director.cli.output.listings import ROWS_ASKED, Listing, matches
from director.cli.output.table import CLEAR

WATCH_SECONDS = 2.0
PROC = ("ip_vs", "ip_vs_conn", "ip_vs_conn_sync", "ip_vs_stats")
CONNECTION_FILTERS = ("client", "service", "server", "limit", "after")

Rows = list[dict[str, Any]]


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


class Lvs:
    """What LVS's own tools would show: a list, or a file of `/proc/net`."""

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


LIMIT = f"limit={ROWS_ASKED}"
THINGS: Mapping[str, Thing | ConfigurationText | Lvs] = {
    "services": Thing(listings.SERVICES, _rows("services"), wide=listings.WIDE_SERVICES),
    "pools": Thing(listings.POOLS, _rows("pools")),
    "servers": Thing(listings.SERVERS, _servers, _methods, listings.WIDE_SERVERS),
    "connections": Thing(listings.CONNECTIONS, _connections),
    "rules": Thing(listings.RULES, _rows("rules")),
    "checks": Checks(listings.CHECKS, _rows("checks")),
    "events": Thing(listings.EVENTS, _rows("events", query=LIMIT)),
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
    if not call.options.watch:
        return thing.show(call, words)
    while True:
        if sys.stdout.isatty():
            say(CLEAR)
        thing.show(call, words)
        time.sleep(WATCH_SECONDS)


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
        argument("--watch", action="store_true", help="show it again every two seconds"),
    ),
)

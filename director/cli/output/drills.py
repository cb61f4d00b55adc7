"""Faults and drills as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from director.cli.output.listings import Listing


def _runs(one: Mapping[str, Any]) -> str:
    if not one["active"]:
        return "-"
    return f"{one['left']:g} s left, by {one['author']}"


def _hits(one: Mapping[str, Any]) -> str:
    """Requests, or flows of layer 4 with their packets."""
    return f"{one['hits']} ({one['packets']} packets)" if one["packets"] else str(one["hits"])


def _last(one: Mapping[str, Any]) -> str:
    if one["running"]:
        return "runs"
    last = one["runs"][-1] if one["runs"] else None
    return "-" if last is None else f"{last['verdict']} ({last['began']})"


faults = Listing(
    (
        ("fault", "name"),
        ("server", lambda one: ", ".join(one["server"])),
        ("do", "do"),
        ("hits", _hits),
        ("checks", lambda one: "yes" if one["checks"] else "no"),
        ("runs", _runs),
    ),
    empty="no faults; add a section [fault:NAME]\n",
)
drills = Listing(
    (
        ("drill", "name"),
        ("service", "service"),
        ("seconds", lambda one: f"{one['seconds']:g}"),
        ("last", _last),
    ),
    empty="no drills; add a section [drill:NAME]\n",
)

"""What an order did, or would do, and what a configuration check found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from director.cli.output.table import clean

JsonObject = dict[str, Any]

MOVED_SHOWN = 10
CHANGES_SHOWN = 20
"""Changes of one order that are listed; a large reload says how many more there are."""


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


def reloaded(answer: JsonObject) -> str:
    """What a reload did, and how long it waits for its confirmation."""
    waits = answer.get("confirm")
    text = applied(answer) + elsewhere(answer)
    if waits:
        text += (
            f"it is undone in {waits['seconds']:g}s unless you confirm it: director confirm\n"
            f"and at once when: {clean(waits['guard'])}\n"
        )
    return text


def elsewhere(answer: JsonObject) -> str:
    """Which of the last requests would go elsewhere, from a rehearsal."""
    if not answer.get("replayed"):
        return ""
    lines = [f"of the last {answer['replayed']} requests {answer['moved_count']} would go elsewhere"]
    if answer["unsure"]:
        lines[0] += f"; of {answer['unsure']} it cannot be said"
    for one in answer["moved"][:MOVED_SHOWN]:
        before, after = way(one["before"]), way(one["after"])
        lines.append(f"  {clean(one['method'])} {clean(one['host'] + one['target'])}: {before} -> {after}")
    return "\n".join(lines) + "\n"


def way(told: JsonObject) -> str:
    """Where a request goes."""
    rule = f"rule {clean(told['rule'])}, " if told["rule"] else ""
    if told["pool"]:
        return f"{rule}pool {clean(told['pool'])}"
    return (
        f"{rule}{told['status']} {clean(told['location'])}".rstrip() if told["status"] else f"{rule}nowhere"
    )


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

"""What is known of one server's health, and how it came about, as text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from director.cli.output.table import WIDTH, clean, table
from director.cli.output.units import ago, duration

JsonObject = dict[str, Any]
CHANGES = 5
"""Changes of a check that are told; the newest."""


def evidence(found: JsonObject, width: int = WIDTH) -> str:
    """All of it, the newest last."""
    name = f"{found['pool']}/{found['name']}"
    note = f" ({found['note']})" if found["note"] else ""
    text = clean(f"{name} at {found['address']} is {found['status']}{note}") + "\n"
    text += "".join(_check(one, width) for one in found["checks"]) or "No checks.\n"
    return text + _traffic(found["traffic"])


def _check(one: JsonObject, width: int) -> str:
    against = f", {one['against']} of {one['needed']} against" if one["against"] else ""
    advice = f"; it advises {one['advice']}" if one["advice"] else ""
    following = "now" if one["next_in"] is None else f"in {duration(one['next_in'])}"
    head = f"check {one['check']}: {one['verdict']} for {ago(one['for'])}{against}{advice}; next {following}"
    rows = [
        (
            _clock(each["time"]),
            each["result"],
            duration(each["seconds"]),
            " ".join(f"{phase} {duration(seconds)}" for phase, seconds in each["phases"].items()),
            each["octets"],
            f"{each['reason']} {each['seen']}".rstrip(),
        )
        for each in one["results"]
    ]
    results = table(("AT", "RESULT", "TOOK", "PHASES", "OCTETS", "SAID"), rows, width)
    changes = "".join(_change(each) for each in one["transitions"][-CHANGES:])
    whatifs = "".join(f"  {clean(each['text'])}\n" for each in one["what_if"] if each["more"])
    return f"\n{clean(head)}\n{results}{changes}{whatifs}"


def _change(one: JsonObject) -> str:
    said = (
        f"{_clock(one['time'])} {one['from']} -> {one['to']} after {ago(one['lasted'])}: {one['reason']} "
        f"({one['count']} of {one['needed']})"
    )
    led = [f"{_clock(each['time'])} {each['reason']}" for each in one["probes"]]
    led += [f"{_clock(each['time'])} a request: {each['cause']}" for each in one["traffic"]]
    return f"  {clean(said)}\n" + "".join(f"    {clean(line)}\n" for line in led)


def _traffic(found: JsonObject) -> str:
    lines = []
    for one in found["ejections"]:
        ends = f"back at {_clock(one['ended'])}" if one["ended"] else f"until {_clock(one['until'])}"
        lines.append(f"{_clock(one['time'])} ejected for {one['seconds']:g}s, {ends}: {one['reason']}")
    if found["failures"]:
        last = found["failures"][-1]
        count = len(found["failures"])
        lines.append(f"{count} failures remembered, the last at {_clock(last['time'])}: {last['cause']}")
    if found["spared"]:
        lines.append(
            f"{found['spared']} ejections of the pool did not happen, because of max or for the last"
        )
    return "\nreal traffic\n" + "".join(f"  {clean(line)}\n" for line in lines) if lines else ""


def _clock(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%H:%M:%S.%f")[:-3] + "Z"

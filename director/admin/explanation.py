"""A decision told in sentences, for `director why`, the API and the pages: a trace's dict in, lines out.

Pure; `views` makes the dict.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

SCORES_SHOWN = 10
"""Servers whose scores stand in an explanation; the API gives all."""
OUTCOMES = {
    "truncated": "the server ended in the middle of its answer; the client can tell",
    "junk": "the server's answer was no HTTP",
    "no_answer": "no server answered",
    "timeout": "no answer came in time",
    "idle": "nothing moved for too long, so it was ended",
    "client_gone": "the client went away",
    "refused": "the request was refused as malformed",
    "redirect": "the rule redirects",
    "respond": "the rule answers by itself",
    "max_forwards": "Max-Forwards ended here",
    "tunnel_reset": "the tunnel was reset",
}
"""Sentences for the words of the layers; `ok` and `fault` need none, others are shown as they are."""

CAUSES = {
    "no_server": "has no server",
    "queue": "had no room in time",
}
"""What befalls a pool as a whole (`l7.routing.fault_path`), as the middle of a sentence."""


def sentences(view: Mapping[str, Any], cookie: str = "") -> list[str]:
    """The decision as sentences, in the order in which it was made."""
    parts = [f"rule {view['rule']} matched" if view["rule"] else "no rule matched"]
    if view["pool"]:
        parts.append(f"pool {view['pool']}")
    # On the fault path the choice was made elsewhere: those candidates are not this pool's.
    if view["candidates"] is not None and not view["fault"]:
        of = "" if view["servers"] is None else f" of {view['servers']}"
        parts.append(f"{view['candidates']}{of} servers eligible")
    parts += _compared(view.get("scores") or {})
    parts += tried(view["tries"])
    parts += [f"fault {name} was injected on {where}" for where, name in view.get("injected", ())]
    if view["server"] and not view["fault"]:
        parts.append(_chose(view, cookie))
    if view["fault"]:
        parts.append(f"the fault path answered: {view['fault']}")
    return [*parts, *_ended(view)]


def tried(tries: Iterable[Sequence[str]]) -> list[str]:
    """Why each server, or the whole pool, did not serve."""
    return [_failed(*one) for one in tries]


def _failed(who: str, what: str) -> str:
    cause, colon, why = what.partition(": ")
    if colon and cause in CAUSES:
        return f"{who} {CAUSES[cause]}: {why}"
    return f"{who} was tried: {what}"


def _compared(scores: Mapping[str, str]) -> list[str]:
    """What the scheduler says of each server, with an end."""
    said = [f"{server}: {text}".removeprefix(": ") for server, text in scores.items()]
    more = len(said) - SCORES_SHOWN
    return said[:SCORES_SHOWN] + ([f"and {more} more"] if more > 0 else [])


def _chose(view: Mapping[str, Any], cookie: str) -> str:
    facts = "" if view["weight"] is None else f": load {view['load']}, weight {view['weight']}"
    if view["sticky"]:
        return f"the client's cookie {cookie} names {view['server']}".replace("  ", " ") + facts
    return f"{view['scheduler'] or 'the director'} chose {view['server']}{facts}"


def _ended(view: Mapping[str, Any]) -> Iterator[str]:
    times = view["times"]
    if times.get("connect") is not None:
        yield f"connected in {milliseconds(times['connect'])}"
    if view["outcome"] not in {"", "ok", "fault"}:
        yield OUTCOMES.get(view["outcome"], str(view["outcome"]))
    if view["status"]:
        total = times.get("total")
        yield f"{view['status']}" + ("" if total is None else f" in {milliseconds(total)}")


def milliseconds(seconds: float) -> str:
    """A short duration with at most two significant digits behind the point."""
    return f"{seconds * 1000:.3g} ms" if seconds < 1.0 else f"{seconds:.3g} s"

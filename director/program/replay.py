"""Where the last requests would go under another configuration (composition).

A request is remembered without its fields, so it is decided twice from the same facts: under what runs and
under what is wanted, both with every server up and idle.  One whose rule of then is not found again depended
on fields that are gone; it is counted as unsure and not told.  Works on registries of its own, in a thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define, field, frozen

from director import plugins
from director.errors import DirectorError, MessageError
from director.l7.routing.service import CompiledService
from director.model.http import Rule
from director.model.settings import Configuration
from director.plugins import UserFiles
from director.program.configuration import decide, rehearsal
from director.program.layer7 import compile_services

REPLAYED = 1000
"""Requests that are decided again, the last ones."""
MOVED_SHOWN = 100

Facts = Mapping[str, Any]
Way = dict[str, Any]


@define
class Replay:
    """How many were decided, how many go elsewhere, the first of these, and how many are unsure."""

    replayed: int = 0
    moved_count: int = 0
    unsure: int = 0
    moved: list[dict[str, Any]] = field(factory=list)


@frozen
class Ruling:
    """One configuration that may be asked."""

    sites: list[CompiledService]
    rules: Mapping[str, Rule]

    @classmethod
    def of(cls, configuration: Configuration, files: UserFiles) -> Ruling:
        """Raises ChangeRefused or SchedulerError when it cannot run."""
        catalog = plugins.catalog(configuration.schedulers, files=files)
        rules = {rule.name: rule for rule in configuration.rules}
        return cls(compile_services(configuration, rehearsal(configuration, catalog)), rules)

    def way(self, request: Facts) -> Way:
        """Where a request goes: rule and pool, or what is answered."""
        url = f"http://{request['host'] or 'localhost'}{request['target']}"
        try:
            told = decide(self.sites, request["method"], url, (), request["client"], request["service"])
        except MessageError as error:
            return {"rule": "", "pool": "", "status": error.status, "location": ""}
        except DirectorError as error:
            return {"rule": "", "pool": "", "status": 0, "location": "", "error": str(error)}
        status = 0 if told["pool"] else told["status"]
        name, location = str(told["rule"]), str(told.get("location", ""))
        if name in self.rules:
            location = self.rules[name].masked(location)
        return {"rule": name, "pool": told["pool"], "status": status, "location": location}


def replay(now: Ruling, wanted: Ruling, requests: Iterable[Facts]) -> Replay:
    """Decide all of them twice."""
    found = Replay()
    for one in requests:
        if not str(one["target"]).startswith("/"):
            continue
        found.replayed += 1
        before, after = now.way(one), wanted.way(one)
        if before["rule"] != one["rule"]:
            found.unsure += 1
        elif _goes(before) != _goes(after):
            found.moved_count += 1
            if len(found.moved) < MOVED_SHOWN:
                known = {key: one[key] for key in ("id", "service", "client", "method", "host", "target")}
                found.moved.append({**known, "before": before, "after": after})
    return found


def _goes(way: Way) -> tuple[Any, ...]:
    return way["pool"], way["status"], way["location"]


def replay_of(
    now: tuple[Configuration, UserFiles], wanted: tuple[Configuration, UserFiles], requests: list[Facts]
) -> Replay:
    """The same from configurations; without requests nothing is made."""
    return replay(Ruling.of(*now), Ruling.of(*wanted), requests) if requests else Replay()

"""Evidence as text and back, so that a restart does not forget who is down, and why.

What is kept is known by address and check, as all evidence; a verdict stands again if the check still asks
the same question and the file is young, else only the history does.  Times are kept on the wall clock.  Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from director.health.kept_traffic import KEPT, read
from director.health.passive import TrafficRecord
from director.health.schedule import CheckTarget, Key
from director.health.verdict import Evidence, question
from director.model.pools import NO_ADVICE, Advice, Check
from director.registry.evidence import Result, Transition

FORMAT = 1
STALE = 600.0
"""Seconds after which a verdict of an earlier run says nothing of now."""
MANY = 2000
"""Targets above which only those are kept of which there is something to say."""
RESULTS = 10
TRANSITIONS = 10
"""Kept of each target."""


class Chronicle:
    """Writes it as a file, while the program runs and at its end.

    While it runs only verdicts and how they came about are written, and each anew only when it has changed:
    the results of every probe would cost more than the probes.  At the end it is all of it.
    """

    def __init__(self) -> None:
        self._rows: dict[Key, tuple[object, str]] = {}

    def verdicts(
        self, known: Mapping[Key, Evidence], epoch: float, now: float, traffic: Iterable[str] = ()
    ) -> bytes:
        """What there is to say of verdicts; `epoch` is what makes wall-clock times of ours, such as `now`.

        `traffic`: the rows of `kept_traffic`.
        """
        rows: dict[Key, tuple[object, str]] = {}
        for key, evidence in known.items():
            if not _says_something(evidence):
                continue
            last = evidence.transitions[-1] if evidence.transitions else None
            mark = evidence.alive, evidence.since, evidence.advice, evidence.check, last
            row = self._rows.get(key)
            if row is None or row[0] != mark:
                row = mark, json.dumps(_kept(key[0], evidence, epoch, results=False), ensure_ascii=False)
            rows[key] = row
        self._rows = rows
        return _file((text for _, text in rows.values()), epoch + now, traffic)

    @staticmethod
    def everything(
        known: Mapping[Key, Evidence], epoch: float, now: float, traffic: Iterable[str] = ()
    ) -> bytes:
        """All there is; of very many targets those of which there is something to say."""
        few = len(known) <= MANY
        rows = (
            json.dumps(_kept(address, evidence, epoch), ensure_ascii=False)
            for (address, _), evidence in known.items()
            if few or _says_something(evidence)
        )
        return _file(rows, epoch + now, traffic)


def _says_something(evidence: Evidence) -> bool:
    return evidence.alive is False or bool(evidence.transitions) or evidence.advice != NO_ADVICE


def _file(rows: Iterable[str], time: float, traffic: Iterable[str]) -> bytes:
    lists = f'"checks": [{", ".join(rows)}], "{KEPT}": [{", ".join(traffic)}]'
    return f'{{"format": {FORMAT}, "time": {time}, {lists}}}'.encode()


class Recollection:
    """What an earlier run knew.

    Args:
        content: what a `Chronicle` wrote; anything else is nothing.
        epoch: as there, of this run.
        now: monotonic seconds.

    Attributes:
        traffic: what real traffic had shown of servers.
    """

    def __init__(self, content: bytes, epoch: float, now: float) -> None:
        self.traffic: list[TrafficRecord] = []
        self._known: dict[Key, dict[str, Any]] = {}
        self._is_young = False
        self._epoch = epoch
        self._now = now
        try:
            found = json.loads(content)
            if found["format"] == FORMAT:
                self._is_young = epoch + now - float(found["time"]) < STALE
                self._known = {(str(one["address"]), str(one["check"])): one for one in found["checks"]}
                self.traffic = read(found.get(KEPT), epoch)
        except (ValueError, KeyError, TypeError):
            return

    def recall(self, target: CheckTarget) -> Evidence | None:
        """What was known of a target, once."""
        kept = self._known.pop(target.key, None)
        if kept is None:
            return None
        try:
            return self._recalled(target.check, kept)
        except (ValueError, KeyError, TypeError):
            return None

    def _recalled(self, check: Check, kept: Mapping[str, Any]) -> Evidence:
        evidence = Evidence(check, self._now)
        evidence.results.extend(self._result(one) for one in kept["results"])
        evidence.transitions.extend(self._transition(one) for one in kept["transitions"])
        evidence.runs.extend(
            [bool(alive), int(count), time - self._epoch] for alive, count, time in kept["runs"]
        )
        if kept["question"] == digest(check) and self._is_young:
            evidence.alive = kept["alive"] if kept["alive"] is None else bool(kept["alive"])
            evidence.since = float(kept["since"]) - self._epoch
            evidence.advice = Advice.heard(kept["advice"])
        return evidence

    def _result(self, told: list[Any]) -> Result:
        time, alive, reason, duration, phases, octets, seen = told
        parts = tuple((str(name), float(seconds)) for name, seconds in phases)
        return Result(time - self._epoch, alive, str(reason), float(duration), parts, int(octets), str(seen))

    def _transition(self, told: Mapping[str, Any]) -> Transition:
        return Transition(
            time=told["time"] - self._epoch,
            before=told["before"],
            alive=bool(told["alive"]),
            reason=str(told["reason"]),
            count=int(told["count"]),
            needed=int(told["needed"]),
            lasted=float(told["lasted"]),
            probes=tuple(self._result(one) for one in told["probes"]),
            traffic=tuple((time - self._epoch, str(cause)) for time, cause in told["traffic"]),
        )


def digest(check: Check) -> str:
    """Tells one question from another."""
    return sha256(repr(question(check)).encode()).hexdigest()[:16]


def _kept(address: str, evidence: Evidence, epoch: float, *, results: bool = True) -> dict[str, Any]:
    def result(one: Result) -> list[Any]:
        return [one.time + epoch, one.alive, one.reason, one.duration, one.phases, one.octets, one.seen]

    def transition(one: Transition) -> dict[str, Any]:
        return {
            "time": one.time + epoch,
            "before": one.before,
            "alive": one.alive,
            "reason": one.reason,
            "count": one.count,
            "needed": one.needed,
            "lasted": one.lasted,
            "probes": [result(probe) for probe in one.probes],
            "traffic": [[time + epoch, cause] for time, cause in one.traffic],
        }

    return {
        "address": address,
        "check": evidence.check.name,
        "question": digest(evidence.check),
        "alive": evidence.alive,
        "since": evidence.since + epoch,
        "advice": evidence.advice.told(),
        "results": [result(one) for one in list(evidence.results)[-RESULTS:]] if results else [],
        "transitions": [transition(one) for one in list(evidence.transitions)[-TRANSITIONS:]],
        "runs": [[alive, count, time + epoch] for alive, count, time in evidence.runs],
    }

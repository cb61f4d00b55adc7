"""Many runs of one configuration, each by the schedule of its seed; the first that fails is made small.

`director drill fuzz` calls `fuzz` and prints what comes of it.  Nothing of it depends on the wall clock or on
the order of hashes: the same file, seed and number of runs give the same report, octet for octet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from attrs import frozen
from twisted.logger import globalLogBeginner

from director.config.text.messages import render
from director.errors import DirectorError
from director.plugins import UserFiles
from director.program.candidate import Candidate
from director.program.configuration import examine
from director.program.simulation import shrinking
from director.program.simulation.drawing import draw
from director.program.simulation.likeness import Likeness, differences
from director.program.simulation.promises import Broken, Judge
from director.program.simulation.routes import Routes
from director.program.simulation.run import Run
from director.program.simulation.schedule import Schedule


@frozen
class Played:
    """What one schedule came to."""

    schedule: Schedule
    broken: tuple[Broken, ...]
    digest: str
    requests: int
    seconds: float
    story: tuple[str, ...] = ()


class Fuzzer:
    """Plays schedules on one configuration.

    Raises DirectorError when it cannot be simulated.
    """

    def __init__(self, path: str) -> None:
        loaded = examine(path, offline=True)
        if loaded.configuration is None:
            raise DirectorError(f"{path} has errors:\n{render(loaded.problems)}")
        self.written = loaded.configuration
        likeness = Likeness(self.written)
        if not any(likeness.doors.values()) or not likeness.servers:
            raise DirectorError(
                f"{path} has nothing to simulate; it needs an [l7:NAME] and a pool with servers"
            )
        self._first = Candidate(loaded, UserFiles())
        self._likeness = likeness
        self._routes = Routes(likeness.configuration, UserFiles())

    def draw(self, seed: int) -> Schedule:
        """The schedule of a seed."""
        return draw(seed, self._likeness, self.written)

    def run(self, schedule: Schedule) -> Run:
        """One run, to be played."""
        return Run(self._first, self._likeness, schedule)

    def judge(self, run: Run) -> Judge:
        """Who holds one that was played against the promises."""
        return Judge(run, self._likeness, self._routes)

    def play(self, schedule: Schedule) -> Played:
        """One run, played and judged."""
        run = self.run(schedule)
        run.play()
        broken = tuple(self.judge(run).broken())
        story = tuple(run.story()) if broken else ()
        return Played(schedule, broken, run.digest(), schedule.requests, run.loop.seconds(), story)

    def shrink(self, failed: Played) -> Played:
        """The smallest run that still breaks the promise."""
        promise = failed.broken[0].promise
        last = [failed]

        def breaks(schedule: Schedule) -> bool:
            played = self.play(schedule)
            if not any(one.promise == promise for one in played.broken):
                return False
            last[0] = played
            return True

        servers = tuple(
            (pool.name, server.name) for pool in self._likeness.configuration.pools for server in pool.servers
        )
        shrinking.shrunk(failed.schedule, servers, breaks)
        return last[0]


def fuzz(
    path: str, runs: int, seed: int, done: Callable[[int], object] = lambda _runs: None
) -> dict[str, Any]:
    """Play `runs` schedules from `seed` on; `done` is told how many are.  The report is plain values.

    Raises DirectorError when the file cannot be simulated.
    """
    fuzzer = Fuzzer(path)
    digest = hashlib.sha256()
    report: dict[str, Any] = {
        "file": path, "runs": 0, "seed": seed, "kept": True, "requests": 0, "simulated": 0.0,
        "differences": list(differences(fuzzer.written)), "failure": None,
    }  # fmt: skip
    for number in range(runs):
        played = fuzzer.play(fuzzer.draw(seed + number))
        digest.update(played.digest.encode())
        report["runs"] += 1
        report["requests"] += played.requests
        report["simulated"] = round(report["simulated"] + played.seconds, 3)
        if played.broken:
            report |= {"kept": False, "failure": _failure(path, played, fuzzer.shrink(played))}
            break
        done(number + 1)
    return report | {"digest": digest.hexdigest()[:16]}


def _failure(path: str, drawn: Played, small: Played) -> dict[str, Any]:
    seed = drawn.schedule.seed
    return {
        "seed": seed,
        "digest": drawn.digest,
        "broken": [{"promise": one.promise, "text": one.text} for one in small.broken],
        "steps": list(small.schedule.steps()),
        "story": list(small.story),
        "drawn": {"steps": list(drawn.schedule.steps()), "broken": [str(one) for one in drawn.broken]},
        "replay": f"director drill fuzz {path} --runs 1 --seed {seed}",
    }


def text(report: dict[str, Any]) -> str:
    """A report for people."""
    lines = [f"note: {one}" for one in report["differences"]]
    counted = (
        f"{report['runs']} run(s) with {report['requests']} requests, {report['simulated']:.0f} s simulated"
    )
    failure = report["failure"]
    if failure is None:
        last = report["seed"] + report["runs"] - 1
        return "\n".join((*lines, f"{counted}, seeds {report['seed']} to {last}: every promise was kept", ""))
    lines += [f"{counted}: seed {failure['seed']} broke a promise", "", "broken:"]
    lines += [f"  {one['promise']}: {one['text']}" for one in failure["broken"]]
    lines += ["", f"the smallest schedule found ({len(failure['drawn']['steps'])} steps were drawn):"]
    lines += [f"  {one}" for one in failure["steps"]]
    lines += ["", "what happened:", *(f"  {one}" for one in failure["story"])]
    return "\n".join((*lines, "", "replay it with:", f"  {failure['replay']}", ""))


def quiet() -> None:
    """Let what the simulated director logs go nowhere; what is wrong inside is in the report."""
    globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)

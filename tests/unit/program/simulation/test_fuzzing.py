"""The simulation finds what is broken on purpose, makes it small, and replays it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from director.errors import DirectorError
from director.l7.io.frontend import ClientSide
from director.l7.proxy import dispatch, exchange, request_body
from director.l7.routing.fault_path import Cause
from director.program.simulation import fuzzing, run, shrinking
from director.registry import live
from director.registry.ledger import Lease
from tests.support.simulations import TEXT, fuzzer, written

RUNS = 200
"""Within so many each of the mistakes below is found."""


def keeps_a_lease(patch: pytest.MonkeyPatch) -> None:
    released = Lease.release

    def release(self: Lease) -> None:
        if self.server.name != "b":
            released(self)

    patch.setattr(Lease, "release", release)


def sends_a_post_again(patch: pytest.MonkeyPatch) -> None:
    methods = exchange.IDEMPOTENT | {b"POST"}
    for module in (exchange, dispatch, request_body):
        patch.setattr(module, "IDEMPOTENT", methods)


def never_tries_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(dispatch, "again", lambda one, reason, now: dispatch.fail(one, Cause.CONNECT, reason, now))


def uses_a_drained_server(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(live.RealServer, "serving", property(lambda self: self.available and self.weight > 0))


def passes_max(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(live.RealServer, "eligible", property(lambda self: self.serving))


def forgets_deadlines(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ClientSide, "check", lambda _self, _now: None)


MISTAKES: list[tuple[Callable[[pytest.MonkeyPatch], None], str]] = [
    (keeps_a_lease, "empty"),
    (sends_a_post_again, "once"),
    (never_tries_again, "kept"),
    (uses_a_drained_server, "closed"),
    (passes_max, "max"),
    (forgets_deadlines, "answered"),
]


@pytest.mark.parametrize(("mistake", "promise"), MISTAKES, ids=lambda one: getattr(one, "__name__", one))
def test_a_mistake_is_found_made_small_and_replayed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mistake: Callable[[pytest.MonkeyPatch], None],
    promise: str,
) -> None:
    monkeypatch.setattr(shrinking, "TRIES", 12)
    monkeypatch.setattr(run, "LONGEST", 60.0)
    one = fuzzer(tmp_path)
    with monkeypatch.context() as patch:
        mistake(patch)
        failed = next(played for seed in range(1, RUNS) if (played := one.play(one.draw(seed))).broken)
        assert promise in {broken.promise for broken in failed.broken}
        seed = failed.schedule.seed
        assert one.play(one.draw(seed)) == failed, "the same seed is the same run"
        small = one.shrink(failed)
        assert failed.broken[0].promise in {broken.promise for broken in small.broken}
        assert len(list(small.schedule.steps())) <= len(list(failed.schedule.steps()))
    assert not one.play(one.draw(seed)).broken, "nothing but the mistake was wrong"


def test_a_failure_is_told_with_its_smallest_schedule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shrinking, "TRIES", 20)
    path = written(tmp_path)
    keeps_a_lease(monkeypatch)
    report = fuzzing.fuzz(path, RUNS, 1)
    failure = report["failure"]
    assert not report["kept"]
    assert failure["replay"] == f"director drill fuzz {path} --runs 1 --seed {failure['seed']}"
    assert len(failure["steps"]) < len(failure["drawn"]["steps"])
    text = fuzzing.text(report)
    for words in ("broke a promise", "the smallest schedule found", "what happened:", failure["replay"]):
        assert words in text
    assert fuzzing.fuzz(path, 1, failure["seed"])["failure"] == failure


def test_all_is_well_as_it_stands(tmp_path: Path) -> None:
    path = written(tmp_path)
    told: list[int] = []
    report = fuzzing.fuzz(path, 20, 1000, told.append)
    assert report["failure"] is None, fuzzing.text(report)
    assert (report["kept"], report["runs"], told[-1]) == (True, 20, 20)
    assert "every promise was kept" in fuzzing.text(report)


def test_what_cannot_be_simulated_says_why(tmp_path: Path) -> None:
    with pytest.raises(DirectorError, match="has errors"):
        fuzzer(tmp_path, TEXT.replace("scheduler = rr", "scheduler = none"))
    with pytest.raises(DirectorError, match="nothing to simulate"):
        fuzzer(tmp_path, "[director]\nname = x\n")

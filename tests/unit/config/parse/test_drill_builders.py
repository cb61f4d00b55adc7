from __future__ import annotations

import pytest

from director.model.drills import DrillStep, Fault, FaultAction, FaultHit
from tests.support.configurations import read_ini

BASE = (
    "[director]\ndrills = allowed\n[l7:www]\nlisten = :80\npool = web\n[pool:web]\nserver.a = 10.0.0.1:80\n"
)
FAULT = "[fault:a hangs]\nserver = web/a\ndo = hang\n"


def test_a_fault() -> None:
    text = FAULT + "hit = first 3\nseed = 7\nttl = 5s\nchecks = yes\n"
    (fault,) = read_ini(BASE + text).require().faults
    hit = FaultHit(first=3, text="first 3")
    assert fault == Fault(
        "a hangs", (("web", "a"),), FaultAction("hang", "hang"), hit=hit, seed=7, ttl=5.0, checks=True
    )


def test_steps_stand_in_the_order_of_their_times() -> None:
    text = "[drill:x]\nservice = www\nstep 4s = end\nstep 1s = start a hangs\n"
    text += "step  2s = heal\nstep 0s = baseline\n"
    (drill,) = read_ini(BASE + FAULT + text).require().drills
    assert drill.steps == (
        DrillStep(0.0, "baseline"),
        DrillStep(1.0, "start", ("a hangs",)),
        DrillStep(2.0, "heal"),
        DrillStep(4.0, "end"),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[drill:x]\nservice = www\n", "no steps"),
        ("[drill:x]\nservice = www\nstep 0s = baseline\n", "the drill never ends"),
        ("[drill:x]\nservice = www\nstep 0s = end\nstep 1s = heal\n", "end is the last step, once"),
        ("[drill:x]\nservice = www\nstep 1s = heal\nstep 1000ms = end\n", "step 1s is the same moment"),
        ("[drill:x]\nservice = www\nstep 1 = end\n", "1 has no unit"),
        ("[drill:x]\nservice = www\nstep 1s = end\nexpect later = ok >= 1%\n", "there is no phase later"),
        ("[drill:a/b]\nservice = www\nstep 1s = end\n", "a drill's name holds no /"),
        ("[fault:a, b]\nserver = web/a\ndo = hang\n", "a fault's name holds no , and no /"),
        ("[fault:x]\ndo = hang\n", "server is missing"),
    ],
)
def test_mistakes(text: str, message: str) -> None:
    problems = read_ini(BASE + FAULT + text).problems
    assert any(problem.message.startswith(message) for problem in problems), problems

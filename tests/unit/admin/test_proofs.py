from __future__ import annotations

from director.admin.proofs import evidence_view, sentence
from director.registry.evidence import (
    Alternative,
    CheckSnapshot,
    Ejection,
    Result,
    ServerEvidence,
    TrafficEvidence,
    Transition,
)
from director.registry.reports import Instant

MOMENT = Instant(100.0, 1_800_000_000.0)
PROBE = Result(90.0, False, "status 503", 0.25, (("connect", 0.1), ("answer", 0.2)), 17, "'HTTP/1.1 503'")
OWN = Alternative(2, 3, 2, 10.0)
FOUND = ServerEvidence(
    (
        CheckSnapshot(
            "10.0.0.1:80", "alive", False, 90.0, 1, 2, (PROBE,),
            (Transition(90.0, True, False, "status 503", 3, 3, 80.0, (PROBE,), ((89.0, "5xx"),)),),
            1.5, OWN, (Alternative(2, 2, 5, 10.0), Alternative(2, 4, 1, 10.0), Alternative(3, 3, 2, 10.0)),
        ),
    ),
    TrafficEvidence(
        ((89.0, "5xx"),), (Ejection("web", "10.0.0.1:80", 89.5, "5 in a row", ((89.0, "5xx"),), 30.0, 1),), 4
    ),
)  # fmt: skip


def test_a_change_shows_what_led_to_it_on_the_wall_clock() -> None:
    view = evidence_view(FOUND, MOMENT)
    (check,) = view["checks"]
    probe = {
        "time": 1_799_999_990.0, "result": "failed", "reason": "status 503", "seconds": 0.25,
        "phases": {"connect": 0.1, "answer": 0.2}, "octets": 17, "seen": "'HTTP/1.1 503'",
    }  # fmt: skip
    assert check["results"] == [probe]
    (change,) = check["transitions"]
    assert (change["from"], change["to"], change["lasted"]) == ("up", "down", 80.0)
    assert change["probes"] == [probe]
    assert change["traffic"] == [{"time": 1_799_999_989.0, "cause": "5xx"}]
    assert (check["verdict"], check["for"], check["against"], check["needed"]) == ("down", 10.0, 1, 2)
    (out,) = view["traffic"]["ejections"]
    assert (out["time"], out["until"], out["ended"]) == (1_799_999_989.5, 1_800_000_019.5, None)
    assert view["traffic"]["spared"] == 4


def test_other_settings_are_told_in_a_sentence() -> None:
    (check,) = evidence_view(FOUND, MOMENT)["checks"]
    assert [(one["more"], one["text"]) for one in check["what_if"]] == [
        (3, "with fall=2 there would have been 3 more flaps"),
        (-1, "with fall=4 there would have been 1 fewer flap"),
        (0, "with rise=3 there would have been no other number of flaps"),
    ]
    assert sentence(Alternative(1, 3, 3, 0.0), OWN) == "with rise=1 there would have been 1 more flap"

from __future__ import annotations

from director.cli.output.drills import drills, faults


def test_faults() -> None:
    one = {"name": "a hangs", "server": ["web/a", "pool dns"], "do": "hang", "hits": 3, "checks": True}
    one["packets"] = 0
    assert faults([{**one, "active": True, "left": 2.5, "author": "ops"}], width=200).splitlines()[1] == (
        "a hangs  web/a, pool dns  hang     3  yes     2.5 s left, by ops"
    )
    assert faults([{**one, "active": False}], width=200).rstrip().endswith("yes        -")
    lost = {**one, "active": False, "packets": 40}
    assert "3 (40 packets)" in faults([lost], width=200)
    assert faults([]) == "no faults; add a section [fault:NAME]\n"


def test_drills() -> None:
    one = {"name": "x", "service": "www", "seconds": 4.0, "running": False, "runs": []}
    last = {"verdict": "fail", "began": "2026-11-30T20:00:00.000Z"}
    for more, said in (({}, "-"), ({"running": True}, "runs"), ({"runs": [last]}, f"fail ({last['began']})")):
        assert drills([{**one, **more}], width=200).splitlines()[1].split("  ")[-1].strip() == said
    assert drills([]) == "no drills; add a section [drill:NAME]\n"

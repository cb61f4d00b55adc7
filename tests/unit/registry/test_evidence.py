from __future__ import annotations

from director.registry.evidence import Ejection


def test_an_ejection_ends_by_itself() -> None:
    assert Ejection("web", "10.0.0.1:80", 5.0, "3 failures in a row", (), 30.0, 1).until == 35.0

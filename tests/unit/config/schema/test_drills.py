from __future__ import annotations

from director.config.schema import drills
from director.config.schema.tables import key_of


def test_keys_with_a_word_more() -> None:
    for name in ("step 10s", "step 0s"):
        found = key_of(drills.DRILL, name)
        assert found is not None
        assert found.name == "step TIME"
    assert key_of(drills.DRILL, "expect during") is not None
    assert key_of(drills.DRILL, "step") is None
    assert key_of(drills.FAULT, "step 10s") is None


def test_every_fault_has_a_time_to_live() -> None:
    found = key_of(drills.FAULT, "ttl")
    assert found is not None
    assert found.standard() == 60.0

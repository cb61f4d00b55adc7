from __future__ import annotations

from director.config.parse import values
from director.config.schema.shape import Key, Kind


def test_headings_and_defaults() -> None:
    key = Key("every", "duration", values.duration(), "Time.", default="2s")
    assert key.standard() == 2.0
    assert Key("x", "name", values.NAME, "X.").standard() is None
    assert Kind("pool", "NAME", "A pool.", (key,)).heading == "[pool:NAME]"
    assert Kind("l4", "", "Layer 4.", ()).heading == "[l4]"

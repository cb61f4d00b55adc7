from __future__ import annotations

from director.l4.io.probe import Lacking, lacking


def test_what_is_lacking_is_said_with_its_remedy() -> None:
    said = str(Lacking(("no CAP_NET_RAW",), "Grant it."))
    assert said == "layer 4 is off: no CAP_NET_RAW. Grant it."


def test_the_probe_itself_never_raises() -> None:
    found = lacking()
    assert found is None or (found.what and found.remedy)

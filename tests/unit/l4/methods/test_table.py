"""The table of methods against `lvs-semantics` E and what LVS's tools print (I.2)."""

from __future__ import annotations

from director.l4.methods.table import TO_CLIENT, TO_SERVER
from director.model.pools import BYPASS, METHODS, Forward


def test_every_method_has_its_way_and_each_that_rewrites_has_one_back() -> None:
    assert set(TO_SERVER) == {*METHODS.values(), BYPASS}
    assert set(TO_CLIENT) == {method for method in TO_SERVER if method.rewrites}


def test_names_of_lvs() -> None:
    listed = {forward.value: forward.method.listed for forward in Forward}
    assert listed == {"nat": "Masq", "dr": "Route", "tun": "Tunnel", "local": "Local"}

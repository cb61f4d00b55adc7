from __future__ import annotations

from scapy.layers.inet import IP, TCP

from director.l4.verdicts import Deliver
from director.model.pools import Forward
from tests.support.layer4_world import CLIENT, VIP, World


def test_flow_is_kept_and_counted() -> None:
    """V40: the local server answers; TTL is not even looked at."""
    world = World(Forward.LOCAL)
    for flags in ("S", "A", "A"):
        verdict = world.client(IP(src=CLIENT, dst=VIP, ttl=1) / TCP(sport=1, dport=80, flags=flags))
        assert verdict == Deliver("local")
    assert world.real().stats.traffic.inpkts == 3
    assert world.real().active == 1

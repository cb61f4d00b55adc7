from __future__ import annotations

import ipaddress

import pytest

from director.demo.topology import DIRECTOR_BACK, METHODS, VIRTUAL, topology
from director.model.pools import Forward


@pytest.mark.parametrize("method", METHODS)
def test_every_address_is_used_once_and_lies_in_its_network(method: Forward) -> None:
    plan = topology(method)
    nets = {"front": "10.99.0.0/24", "back": "10.99.1.0/24"}
    seen = []
    for host in plan.hosts:
        for network, _device, address in host.interfaces:
            interface = ipaddress.ip_interface(address)
            assert interface.ip in ipaddress.ip_network(nets[network])
            seen.append(interface.ip)
    assert len(seen) == len(set(seen))
    assert ipaddress.ip_address(VIRTUAL) not in seen


def test_nat_servers_go_back_through_the_director() -> None:
    for server in topology(Forward.NAT).servers:
        assert server.routes == (("default", "via", DIRECTOR_BACK),)
        assert server.loopback == ()


@pytest.mark.parametrize("method", [Forward.DR, Forward.TUN])
def test_other_servers_share_the_address_in_silence(method: Forward) -> None:
    for server in topology(method).servers:
        assert server.loopback == (f"{VIRTUAL}/32",)
        # LVS howto: arp_ignore=1 and arp_announce=2 on every real server.
        assert dict(server.sysctls)["net.ipv4.conf.all.arp_ignore"] == 1
        assert dict(server.sysctls)["net.ipv4.conf.all.arp_announce"] == 2
        assert {network for network, *_rest in server.interfaces} == {"front", "back"}
        assert server.tunnel == (method is Forward.TUN)

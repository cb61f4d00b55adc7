from __future__ import annotations

import pytest

from director.model import virtual


def test_virtual_services_are_written_as_in_the_configuration() -> None:
    assert str(virtual.Virtual(fwmark=1, family=6)) == "fwmark 1 inet6"
    assert str(virtual.Virtual("tcp", "2001:db8::1", 80)) == "tcp [2001:db8::1]:80"


@pytest.mark.parametrize(
    ("settings", "limit"),
    [
        (virtual.L4Settings(conn_tab_bits=10), 16 << 10),
        (virtual.L4Settings(conn_tab_bits=27), 1 << 22),
        (virtual.L4Settings(max_flows=5), 5),
    ],
)
def test_the_table_holds_sixteen_flows_for_each_bucket_within_reason(
    settings: virtual.L4Settings, limit: int
) -> None:
    assert settings.flow_limit == limit


def test_defaults_of_ipvs() -> None:
    """`lvs-semantics` C.7 and D: what differs from 0."""
    found = virtual.L4Settings()
    assert (found.amemthresh, found.am_droprate, found.conn_reuse_mode, found.pmtu_disc) == (1024, 10, 1, 1)
    assert (found.timeout_tcp, found.timeout_tcpfin, found.timeout_udp) == (900.0, 120.0, 300.0)
    assert (found.sloppy_tcp, found.expire_nodest_conn, found.nat_icmp_send, found.run_estimation) == (
        0,
        0,
        0,
        1,
    )

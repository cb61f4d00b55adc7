"""Columns of `lvs-semantics` I.3."""

from __future__ import annotations

import pytest

from director.cli.lvs import listing
from director.cli.lvs.ipvsadm import Order, parse
from director.cli.lvs.table import ConnectionLine, Daemon, Destination, IpvsService
from director.model.pools import Forward, Tunnel
from director.model.virtual import Virtual

WEB = IpvsService(
    Virtual("tcp", "192.0.2.1", 80), "wlc", (), 300, 24,
    destinations=(
        Destination("10.0.0.12", 80, Forward.NAT, 2, 9, 4, active=3, inactive=12),
        Destination("10.0.0.2", 80, Forward.NAT),
    ),
)  # fmt: skip


def order(line: str) -> Order:
    return parse(line.split())


def test_a_service_and_its_servers_in_order() -> None:
    asked = order("-L -n")
    assert [*listing.heading(asked), *listing.service_lines(WEB, asked)] == [
        "Prot LocalAddress:Port Scheduler Flags",
        "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn",
        "TCP  192.0.2.1:80 wlc persistent 300 mask 255.255.255.0",
        "  -> 10.0.0.2:80                  Masq    1      0          0         ",
        "  -> 10.0.0.12:80                 Masq    2      3          12        ",
    ]


def test_nosort_shows_the_newest_first() -> None:
    lines = list(listing.service_lines(WEB, order("-L -n --nosort")))
    assert [line.split()[1] for line in lines[1:]] == ["10.0.0.12:80", "10.0.0.2:80"]


def test_thresholds() -> None:
    assert list(listing.service_lines(WEB, order("-L -n --thresholds")))[2] == (
        "  -> 10.0.0.12:80                 9          4          3          12        "
    )


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "        0"), (99_999_999, " 99999999"), (100_000_000, "  100000K"), (999_999_999, "  999999K"),
        (1_000_000_000, "    1000M"), (10**11, "     100G"), (10**14, "     100T"),
    ],
)  # fmt: skip
def test_large_numbers(number: int, text: str) -> None:
    assert listing.large(number, exact=False) == text


def test_exact_numbers() -> None:
    assert listing.large(100_000_000, exact=True) == " 100000000"
    assert listing.large(5, exact=True) == "        5"


def test_services_by_mark_family_protocol_and_address() -> None:
    virtuals = [
        Virtual("udp", "192.0.2.1", 53), Virtual("tcp", "192.0.2.10", 80), Virtual("tcp", "192.0.2.2", 80),
        Virtual("tcp", "2001:db8::1", 80, 0, 6), Virtual(fwmark=2), Virtual(fwmark=1),
    ]  # fmt: skip
    found = listing.ordered_services(tuple(map(IpvsService, virtuals)))
    assert [one.virtual for one in found] == [virtuals[place] for place in (2, 1, 0, 3, 5, 4)]


def test_connections() -> None:
    one = ConnectionLine(
        "TCP", 119, "FIN_WAIT", ("192.0.2.7", 40123), ("198.51.100.1", 80), ("10.0.0.11", 80)
    )
    assert list(listing.entries((one,), order("-L -n -c"))) == [
        "IPVS connection entries",
        "pro expire state       source             virtual            destination",
        "TCP 01:59  FIN_WAIT    192.0.2.7:40123    198.51.100.1:80    10.0.0.11:80",
    ]


def test_one_liners() -> None:
    assert listing.version(4096) == "IP Virtual Server version 1.2.1 (size=4096)"
    assert listing.timeouts((900, 120, 300)) == "Timeout (tcp tcpfin udp): 900 120 300"
    assert listing.daemon(Daemon("master", "eth0", 5)) == "master sync daemon (mcast=eth0, syncid=5)"


def test_tunnels() -> None:
    found = IpvsService(
        Virtual("tcp", "192.0.2.1", 80),
        destinations=(Destination("10.0.0.2", 80, Forward.TUN, tunnel=Tunnel("gue", 6080, "csum")),),
    )
    assert "Tunnel  gue:6080:+c   1" in list(listing.service_lines(found, order("-L -n --tun-info")))[1]

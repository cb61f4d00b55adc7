"""The save format of `lvs-semantics` I.4, with the thresholds that 1.31 forgets ([REC])."""

from __future__ import annotations

from director.cli.lvs.ipvsadm import parse
from director.cli.lvs.saving import rules
from director.cli.lvs.table import Destination, IpvsService
from director.model.pools import Forward, Tunnel
from director.model.virtual import Virtual

SERVICES = (
    IpvsService(
        Virtual("tcp", "192.0.2.1", 80), "sh", ("sh-fallback", "sh-port"), 300, 24,
        destinations=(
            Destination("10.0.0.2", 8080, Forward.NAT, 3, 9, 4),
            Destination("10.0.0.1", 80, Forward.TUN, tunnel=Tunnel("gue", 6080, "remcsum")),
        ),
    ),
    IpvsService(Virtual("udp", "192.0.2.1", 5060), "rr", (), 60, None, "sip", ops=True),
    IpvsService(Virtual(fwmark=5, family=6)),
)  # fmt: skip
SAVED = [
    "-A -t 192.0.2.1:80 -s sh -p 300 -M 255.255.255.0 -b sh-fallback,sh-port",
    "-a -t 192.0.2.1:80 -r 10.0.0.1:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum",
    "-a -t 192.0.2.1:80 -r 10.0.0.2:8080 -m -w 3 -x 9 -y 4",
    "-A -u 192.0.2.1:5060 -s rr -p 60 --pe sip -o",
    "-A -f 5 -6 -s wlc",
]


def test_services_and_then_their_servers() -> None:
    assert sorted(rules(SERVICES, numeric=True)) == sorted(SAVED)


def test_what_is_written_can_be_read() -> None:
    for line in SAVED:
        order = parse(line.split())
        kept = [one for one in SERVICES if one.virtual == order.virtual]
        assert kept, line
        if order.command == "add-service":
            wanted = IpvsService(kept[0].virtual, kept[0].scheduler, kept[0].flags, kept[0].persistent,
                                    kept[0].netmask, kept[0].engine, kept[0].ops)  # fmt: skip
            assert order.service == wanted
        else:
            assert order.destination in kept[0].destinations

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network

import pytest

from director.config.parse import virtuals
from director.config.text.messages import BadValue
from director.model.virtual import SyncDaemon, Virtual


def test_virtual_services() -> None:
    assert virtuals.virtual("udp 192.0.2.53:53") == Virtual("udp", "192.0.2.53", 53)
    assert virtuals.virtual("tcp [2001:db8::0:1]:80") == Virtual("tcp", "2001:db8::1", 80, family=6)
    assert virtuals.virtual("fwmark 7 inet6") == Virtual("", fwmark=7, family=6)
    assert virtuals.virtual("fwmark 7") == Virtual("", fwmark=7)


def test_netmasks() -> None:
    assert virtuals.netmask("24") == 24
    assert virtuals.netmask("255.255.255.0") == 24
    assert virtuals.netmask("128") == 128


def test_ports_and_marks() -> None:
    assert virtuals.ports("21 2121") == (21, 2121)
    assert virtuals.marks("tcp 192.0.2.0/28:80-90,ip 2001:db8::/32") == (
        (6, ip_network("192.0.2.0/28"), (80, 90)),
        (0, ip_network("2001:db8::/32"), (0, 65535)),
    )
    assert virtuals.marks("udp [2001:db8::1]:53") == ((17, ip_network("2001:db8::1/128"), (53, 53)),)
    assert virtuals.marks("sctp [2001:db8::]/64:1-2") == ((132, ip_network("2001:db8::/64"), (1, 2)),)
    assert virtuals.marks("tcp 2001:db8::1")[0][2] == (0, 65535)


def test_sysctls() -> None:
    assert virtuals.number(0, 3)("2") == 2
    assert virtuals.flag("yes") == 1
    assert virtuals.seconds("1d") == 86400
    assert virtuals.sync_threshold("3 50") == (3, 50)
    assert virtuals.sync_threshold("3 0") == (3, 0)
    assert virtuals.power_of_two("64") == 64


def test_ends_of_synchronisation() -> None:
    assert virtuals.sync_daemon("eth0") == SyncDaemon("eth0", 0, "224.0.0.81", 8848, 1, 0), "J.1"
    text = "eth1 syncid 7 group ff02::81 port 9000 ttl 3 maxlen 1400"
    assert virtuals.sync_daemon(text) == SyncDaemon("eth1", 7, "ff02::81", 9000, 3, 1400)
    assert str(virtuals.sync_daemon(text)) == text
    assert str(SyncDaemon("eth0", 7)) == "eth0 syncid 7"


@pytest.mark.parametrize(
    ("parser", "text", "start"),
    [
        (virtuals.virtual, "tpc 1.2.3.4:80", 0),
        (virtuals.ports, "21, 70000", 4),
        (virtuals.ports, "1 2 3 4 5 6 7 8 9", 16),
        (virtuals.marks, "tcp", 0),
        (virtuals.marks, "tcp 192.0.2.1,", 14),
        (virtuals.marks, "icmp 192.0.2.1", 0),
        (virtuals.marks, "ip 192.0.2.1, tcp 192.0.2.1/24", 18),
        (virtuals.marks, "tcp 192.0.2.1:90-80", 14),
        (virtuals.marks, "tcp 192.0.2.1:70000", 4),
        (virtuals.marks, "tcp example.org", 4),
        (virtuals.virtual, "tcp", 3),
        (virtuals.virtual, "tcp example.org:80", 4),
        (virtuals.virtual, "tcp 0.0.0.0:80", 4),
        (virtuals.virtual, "tcp 224.0.0.1:80", 4),
        (virtuals.virtual, "udp 255.255.255.255:80", 4),
        (virtuals.virtual, "tcp 1.2.3.4:x", 12),
        (virtuals.virtual, "tcp 1.2.3.4:80 x", 15),
        (virtuals.virtual, "fwmark 0", 7),
        (virtuals.virtual, "fwmark 1 inet", 9),
        (virtuals.netmask, "0", 0),
        (virtuals.netmask, "129", 0),
        (virtuals.netmask, "255.0.255.0", 0),
        (virtuals.netmask, "0.0.0.0", 0),
        (virtuals.flag, "2", 0),
        (virtuals.number(0, 3), "4", 0),
        (virtuals.seconds, "10ms", 0),
        (virtuals.sync_threshold, "50 50", 0),
        (virtuals.power_of_two, "3", 0),
        (virtuals.sync_daemon, "", 0),
        (virtuals.sync_daemon, "eth0 syncid", 5),
        (virtuals.sync_daemon, "eth0 syncid 256", 12),
        (virtuals.sync_daemon, "eth0 syncid 1 syncid 2", 14),
        (virtuals.sync_daemon, "eth0 id 1", 5),
        (virtuals.sync_daemon, "eth0 group 192.0.2.1", 11),
        (virtuals.sync_daemon, "eth0 ttl 0", 9),
        (virtuals.sync_daemon, "interface-name-16", 0),
    ],
)
def test_mistakes(parser: Callable[[str], object], text: str, start: int) -> None:
    with pytest.raises(BadValue) as caught:
        parser(text)
    assert caught.value.start == start

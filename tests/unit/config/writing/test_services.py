"""Services in the words of the ini; that all of it reads back is `test_sections`'."""

from __future__ import annotations

from ipaddress import ip_network

from director.config.writing import services
from director.model.http import FaultStep, L7Service
from director.model.pools import Address
from director.model.tls import ListenerTLS
from director.model.virtual import L4Service, L4Settings, Mark, Virtual

PLAIN, SECURE = Address("", 80), Address("", 443)


def test_the_word_tls_stands_where_only_some_addresses_speak_it() -> None:
    both = L7Service("w", (PLAIN, SECURE), tls=ListenerTLS(("shop",), (SECURE,)))
    assert dict(services.l7(both))["listen"] == ":80, :443 tls"
    one = L7Service("w", (SECURE,), tls=ListenerTLS(("shop",), (SECURE,)))
    assert dict(services.l7(one))["listen"] == ":443"


def test_the_fault_path_stands_in_its_order() -> None:
    here = Address("127.0.0.1", 8099)
    steps = FaultStep("active"), FaultStep("local", address=here), FaultStep("page", "s")
    keys = dict(services.l7(L7Service("w", (PLAIN,), fault=steps, trust=(ip_network("10.0.0.0/8"),))))
    assert keys["fault"] == "active, local 127.0.0.1:8099, page s"
    assert keys["trust"] == "10.0.0.0/8"


def test_a_virtual_service() -> None:
    service = L4Service("d", Virtual("", fwmark=7, family=6), "p", persistent=300.0, netmask=64)
    keys = dict(services.l4(service))
    assert (keys["virtual"], keys["persistent"], keys["netmask"]) == ("fwmark 7 inet6", "5m", "64")


def test_marks_of_one_number_are_one_line() -> None:
    rules = (
        Mark(7, 6, ip_network("192.0.2.0/28"), (80, 90)),
        Mark(1, 17, ip_network("2001:db8::1/128"), (53, 53)),
        Mark(7, 0, ip_network("2001:db8::/64")),
    )
    keys = dict(services.l4_settings(L4Settings(marks=rules, ftp_ports=(21, 2121))))
    assert keys["mark.7"] == "tcp 192.0.2.0/28:80-90, ip 2001:db8::/64"
    assert keys["mark.1"] == "udp [2001:db8::1]/128:53"
    assert keys["ftp_ports"] == "21, 2121"
    assert (keys["timeout.tcp"], keys["drop_entry"]) == ("15m", "0")

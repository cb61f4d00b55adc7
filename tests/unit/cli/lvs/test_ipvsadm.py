"""The grammar of `lvs-semantics` I.1 and the messages of I.2; more lines are in the conformance tests."""

from __future__ import annotations

import pytest

from director.cli.lvs.ipvsadm import parse
from director.cli.lvs.popt import BadOptionError
from director.model.pools import Forward
from director.model.virtual import Virtual


def said(line: str) -> tuple[str, int]:
    with pytest.raises(BadOptionError) as caught:
        parse(line.split())
    return str(caught.value), caught.value.code


def test_a_service_with_defaults() -> None:
    order = parse(["-A", "-t", "192.0.2.1:80"])
    service = order.service
    assert order.command == "add-service"
    assert service.virtual == Virtual("tcp", "192.0.2.1", 80)
    assert (service.scheduler, service.persistent, service.netmask, service.ops) == ("wlc", None, None, False)


def test_a_bare_persistence_asks_for_360_seconds() -> None:
    assert parse(["-A", "-t", "192.0.2.1:80", "-p", "-s", "rr"]).service.persistent == 360


def test_a_server_has_the_port_and_the_method_that_are_not_said() -> None:
    found = parse(["-a", "-t", "192.0.2.1:80", "-r", "10.0.0.1"]).destination
    assert (found.host, found.port, found.forward, found.weight) == ("10.0.0.1", 80, Forward.DR, 1)
    assert parse(["-a", "-t", "192.0.2.1:80", "-r", "10.0.0.1:8080", "-g"]).destination.port == 80
    assert parse(["-a", "-t", "192.0.2.1:80", "-r", "10.0.0.1:8080", "-m"]).destination.port == 8080


def test_no_command_lists() -> None:
    assert parse([]).command == "list"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("-A", "You need to supply the 'service-address' option for the 'add-service' command"),
        ("-A -t 192.0.2.1:80 -w 1", "Illegal 'weight' option with the 'add-service' command"),
        ("-A -t 192.0.2.1:80 -s rr -s wrr", "multiple 'scheduler' options specified"),
        ("-A -t 192.0.2.1:0", "Zero port specified for non-persistent service"),
        ("-A -t 192.0.2.1:80 -o", "One-Packet Scheduling is only for UDP virtual services"),
        ("-a -t 192.0.2.1:80 -r 10.0.0.1 -w x", "illegal weight specified"),
        ("-a -t 192.0.2.1:80 -r [2001:db8::1]:80 -m",
         "Different address family is allowed only for tunneling servers"),
        ("-a -t 192.0.2.1:80 -r 10.0.0.1 -m --tun-type gue --tun-port 6080",
         "Tunnel options conflict with forward method"),
        ("-A -t 192.0.2.1:80 -b sh-port", "incompatible scheduler flag `sh-port'"),
        ("--set 1 2", "--set option requires 3 timeout values"),
        ("-L extra", "unexpected argument extra"),
        ("-L -c --stats", "options conflicts in the list command"),
    ],
)  # fmt: skip
def test_option_errors_end_with_2(line: str, text: str) -> None:
    assert said(line) == (text, 2)


def test_usage_ends_with_255() -> None:
    assert said("-t 192.0.2.1:80") == ("Try `ipvsadm -h' or 'ipvsadm --help' for more information.", 255)

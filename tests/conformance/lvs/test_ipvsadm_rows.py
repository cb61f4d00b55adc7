"""Rows V5 and V65 to V72 and V80 of the acceptance table, through the admin's real routes, by part I alone.

V66 to V69 and V71 stand beside the real program as well (`test_ipvsadm`); V8, V63 and V70 with packets in
`tests/integration/l4/test_tutorial.py`, V65 in `tests/unit/registry/test_procfs.py`.  V73 to V79 are of
connection synchronisation.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from director.cli.lvs.main import main
from director.registry.reports import ConnectionEntry
from tests.unit.cli.memory import MemoryClient

Ipvsadm = Callable[..., tuple[int, str, str]]


@pytest.fixture
def client() -> MemoryClient:
    return MemoryClient()


@pytest.fixture
def ipvsadm(
    client: MemoryClient, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Ipvsadm:
    def call(line: str, text: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        status = main(["ipvsadm", *line.split()], client)  # type: ignore[arg-type]
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    call("-C")
    return call


def well(ipvsadm: Ipvsadm, *lines: str) -> None:
    for line in lines:
        assert ipvsadm(line) == (0, "", ""), line


def test_v5_errors_of_add_edit_and_delete(ipvsadm: Ipvsadm) -> None:
    service, server = "-t 192.0.2.1:80", "-t 192.0.2.1:80 -r 10.0.0.1"
    for line in (f"-E {service} -s rr", f"-D {service}", f"-Z {service}"):
        assert ipvsadm(line) == (255, "", "No such service\n"), line
    for line in (f"-a {server}", f"-e {server}", f"-d {server}"):
        assert ipvsadm(line) == (255, "", "Service not defined\n"), line
    well(ipvsadm, f"-A {service} -s rr")
    assert ipvsadm(f"-A {service} -s wlc") == (255, "", "Service already exists\n")
    for line in (f"-e {server}", f"-d {server}"):
        assert ipvsadm(line) == (255, "", "No such destination\n"), line
    well(ipvsadm, f"-a {server}")
    assert ipvsadm(f"-a {server}") == (255, "", "Destination already exists\n")
    assert ipvsadm(f"-A {service[:-2]}81 --pe none")[::2] == (
        255,
        "Scheduler or persistence engine not found\n",
    )
    assert ipvsadm(f"-e {server} -x 1 -y 2")[::2] == (255, "Numerical result out of range\n")


def printf(template: str, *values: object) -> str:
    """As the tool's own source has it."""
    return template % values


NUMBERS = "%-33s %8s %8s %8s %8s %8s"
PROT = "Prot LocalAddress:Port"
HEADINGS = [
    ("", "Prot LocalAddress:Port Scheduler Flags",
     "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn"),
    ("--tun-info", "Prot LocalAddress:Port Scheduler Flags",
     "  -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn"),
    ("--stats",
     printf(NUMBERS, PROT, "Conns", "InPkts", "OutPkts", "InBytes", "OutBytes"),
     "  -> RemoteAddress:Port"),
    ("--rate",
     printf(NUMBERS, PROT, "CPS", "InPPS", "OutPPS", "InBPS", "OutBPS"),
     "  -> RemoteAddress:Port"),
    ("--thresholds",
     printf("%-33s %-10s %-10s %-10s %-10s", PROT, "Uthreshold", "Lthreshold", "ActiveConn", "InActConn"),
     "  -> RemoteAddress:Port"),
    ("--persistent-conn",
     printf("%-33s %-9s %-11s %-10s %-10s", PROT, "Weight", "PersistConn", "ActiveConn", "InActConn"),
     "  -> RemoteAddress:Port"),
]  # fmt: skip
"""Heading lines of each variant of the list (I.3)."""


@pytest.mark.parametrize(("option", "first", "second"), HEADINGS)
def test_v67_headings(ipvsadm: Ipvsadm, option: str, first: str, second: str) -> None:
    lines = ipvsadm(f"-Ln {option}")[1].splitlines()
    assert lines == ["IP Virtual Server version 1.2.1 (size=4096)", first, second]
    well(ipvsadm, "-A -t 192.0.2.1:80")
    assert ipvsadm(f"-Ln {option} -t 192.0.2.1:80")[1].splitlines()[:2] == [first, second]


def test_v67_lines_of_services_and_servers(ipvsadm: Ipvsadm) -> None:
    well(
        ipvsadm,
        "-A -t 192.0.2.1:80 -s sh -p 300 -M 255.255.255.0 -b sh-port",
        "-a -t 192.0.2.1:80 -r 10.0.0.2:8080 -m -w 3 -x 9 -y 4",
        "-a -t 192.0.2.1:80 -r 10.0.0.3 -i --tun-type gue --tun-port 6080 --tun-csum",
        "-A -u [2001:db8::1]:53 -s rr -o",
        "-A -f 7 -6 -s wlc",
    )
    service = "TCP  192.0.2.1:80 sh (sh-port) persistent 300 mask 255.255.255.0"
    masq, tunnel = printf("  -> %-28s", "10.0.0.2:8080"), printf("  -> %-28s", "10.0.0.3:80")
    for option, lines in {
        "": [printf(f"{masq} %-7s %-6d %-10u %-10u", "Masq", 3, 0, 0),
             printf(f"{tunnel} %-7s %-6d %-10u %-10u", "Tunnel", 1, 0, 0)],
        "--thresholds": [printf(f"{masq} %-10u %-10u %-10u %-10u", 9, 4, 0, 0),
                         printf(f"{tunnel} %-10u %-10u %-10u %-10u", 0, 0, 0, 0)],
        "--persistent-conn": [printf(f"{masq} %-9u %-11u %-10u %-10u", 3, 0, 0, 0),
                              printf(f"{tunnel} %-9u %-11u %-10u %-10u", 1, 0, 0, 0)],
        "--tun-info": [printf(f"{masq} %-7s %-13s %-6d %-10u %-10u", "Masq", "n/a", 3, 0, 0),
                       printf(f"{tunnel} %-7s %-13s %-6d %-10u %-10u", "Tunnel", "gue:6080:+c", 1, 0, 0)],
    }.items():  # fmt: skip
        assert ipvsadm(f"-Ln {option}")[1].splitlines()[3:] == [
            service, *lines, "UDP  [2001:db8::1]:53 rr ops", "FWM  7 IPv6 wlc",
        ], option  # fmt: skip


def test_v69_sorted_or_as_the_kernel_has_them(ipvsadm: Ipvsadm) -> None:
    well(ipvsadm, "-A -t 192.0.2.9:80", "-A -t 192.0.2.1:80", "-a -t 192.0.2.9:80 -r 10.0.0.1")
    well(ipvsadm, "-a -t 192.0.2.9:80 -r 10.0.0.2")
    shown = [line.split()[1] for line in ipvsadm("-Ln")[1].splitlines()[3:]]
    assert shown == ["192.0.2.1:80", "192.0.2.9:80", "10.0.0.1:80", "10.0.0.2:80"]
    shown = [line.split()[1] for line in ipvsadm("-Ln --nosort -t 192.0.2.9:80")[1].splitlines()[3:]]
    assert shown == ["10.0.0.2:80", "10.0.0.1:80"], "destinations newest first"


def test_v70_connections(ipvsadm: Ipvsadm, client: MemoryClient) -> None:
    def entry(number: int, protocol: str, source: str, state: str, engine: str = "") -> ConnectionEntry:
        return ConnectionEntry(
            protocol, source, "198.51.100.1:80", "10.0.0.11:80", state, 119.9, "web", "a", "Masq", 1,
            template=source.endswith(":0"), id=number, engine=engine, data="abc" if engine else "",
        )  # fmt: skip

    client.admin.control.flows = [
        entry(3, "TCP", "192.0.2.7:40123", "FIN_WAIT"),
        entry(2, "TCP", "192.0.2.7:0", "ASSURED"),
        entry(1, "IP", "192.0.2.0:0", "NONE", "sip"),
    ]
    assert ipvsadm("-Lnc")[1].splitlines() == [
        "IPVS connection entries",
        "pro expire state       source             virtual            destination",
        "TCP 01:59  FIN_WAIT    192.0.2.7:40123    198.51.100.1:80    10.0.0.11:80",
        "TCP 01:59  ASSURED     192.0.2.7:0        198.51.100.1:80    10.0.0.11:80",
        "IP  01:59  NONE        192.0.2.0:0        198.51.100.1:80    10.0.0.11:80",
    ]
    row = "%-3s %-6s %-11s %-18s %-18s %-18s %-16s %s"
    assert ipvsadm("-Lnc --persistent-conn")[1].splitlines()[-1] == printf(
        row, "IP", "01:59", "NONE", "192.0.2.0:0", "198.51.100.1:80", "10.0.0.11:80", "sip", "abc"
    )


def test_v71_what_is_saved_is_restored_thresholds_too(ipvsadm: Ipvsadm) -> None:
    rules = (
        "-A -t 192.0.2.1:80 -s mh -p 60 -M 255.255.0.0 -b mh-fallback,mh-port\n"
        "-a -t 192.0.2.1:80 -r 10.0.0.1:80 -g -w 1 -x 4 -y 1\n"
        "-a -t 192.0.2.1:80 -r 10.0.0.2:8080 -m -w 0\n"
        "-A -u 192.0.2.1:53 -s rr -o\n"
        "-A -f 3 -s wlc\n"
        "-a -f 3 -r 10.0.0.3:0 -i -w 2 --tun-type gre --tun-csum\n"
    )
    assert ipvsadm("-R", rules) == (0, "", "")
    assert ipvsadm("-Sn") == (0, rules, "")
    well(ipvsadm, "-C")
    assert ipvsadm("-Sn") == (0, "", "")
    assert ipvsadm("-R", rules)[0] == 0
    assert ipvsadm("-Sn") == (0, rules, "")


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("-Ln", 0, ""),
        ("-L -t 192.0.2.99:80", 1, "No such service\n"),
        ("-A -t 192.0.2.1:80 -w 1", 2, "Illegal 'weight' option with the 'add-service' command\n"),
        ("-A", 2, "You need to supply the 'service-address' option for the 'add-service' command\n"),
        ("-D -t 192.0.2.99:80", 255, "No such service\n"),
        ("-t 192.0.2.1:80", 255, "Try `ipvsadm -h' or 'ipvsadm --help' for more information.\n"),
    ],
)
def test_v72_exit_codes(ipvsadm: Ipvsadm, line: str, status: int, said: str) -> None:
    done = ipvsadm(line)
    assert (done[0], done[2]) == (status, said)


def test_v80_no_daemon_runs(ipvsadm: Ipvsadm) -> None:
    assert ipvsadm("--stop-daemon master") == (255, "", "No daemon is running\n")
    assert ipvsadm("-L --daemon") == (0, "", "")


def test_v80_daemons(ipvsadm: Ipvsadm) -> None:
    assert ipvsadm("--start-daemon master --mcast-interface lo --syncid 5") == (0, "", "")
    again = ipvsadm("--start-daemon master --mcast-interface lo")
    assert again == (255, "", "Daemon has already run\n")
    assert ipvsadm("-L --daemon") == (
        0,
        "master sync daemon (mcast=lo, syncid=5, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)\n",
        "",
    )
    assert ipvsadm("--stop-daemon backup") == (255, "", "No daemon is running\n")
    assert ipvsadm("--stop-daemon master") == (0, "", "")
    assert ipvsadm("-L --daemon") == (0, "", "")
    missing = ipvsadm("--start-daemon backup --mcast-interface nowhere9")
    assert missing[0] == 255
    assert missing[2].startswith("No such device")

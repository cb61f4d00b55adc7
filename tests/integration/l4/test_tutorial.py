"""LVS's own tutorial, by its commands: a scheduler that fills one server after the other (first fit).

Packets go through the director; what is listed is ipvsadm's (`lvs-semantics` B.6, I.3; V8, V63, V67, V70).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from scapy.layers.inet import TCP

from director.cli.client import ApiClient
from director.cli.lvs.main import main
from tests.integration.l4.flows import inwards
from tests.integration.l4.packets import CLIENT, ip
from tests.integration.l4.texts import ini
from tests.integration.l4.wire_judge import Judged, directed

VIP, FIRST, SECOND = "198.51.100.10", "172.16.0.2", "172.16.0.3"
COMMANDS = f"""\
-A -t {VIP}:80 -s test
-a -t {VIP}:80 -r {FIRST}:8080 -m -x 4 -y 1
-a -t {VIP}:80 -r {SECOND}:8080 -m -x 4 -y 1
"""


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    idle = ini({"idle": ("172.16.0.9:8080",)}, [("tcp 198.51.100.99:80", "idle", "nat", "")])
    with directed(tmp_path_factory.mktemp("tutorial"), idle) as made:
        yield made


def test_the_tutorial_of_first_fit(bed: Judged, capsys: pytest.CaptureFixture[str]) -> None:
    client = ApiClient(bed.state / "control.sock")

    def ipvsadm(*words: str) -> list[str]:
        assert main(["ipvsadm", *words], client) == 0
        return capsys.readouterr().out.splitlines()

    for line in COMMANDS.splitlines():
        assert ipvsadm(*line.split()) == []
    assert ipvsadm("-Ln", "-t", f"{VIP}:80")[2] == f"TCP  {VIP}:80 test"
    went = []
    for sport in range(1001, 1007):
        (came,) = inwards(bed, [ip(CLIENT[4], VIP) / TCP(sport=sport, dport=80, flags="S")])
        went.append(came.dst)
    assert went == [FIRST] * 4 + [SECOND] * 2, "the fifth goes elsewhere"
    assert ipvsadm("-L", "-n", "--thresholds", "-t", f"{VIP}:80") == [
        "Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn ",
        "  -> RemoteAddress:Port",
        f"TCP  {VIP}:80 test",
        "  -> 172.16.0.2:8080              4          1          4          0         ",
        "  -> 172.16.0.3:8080              4          1          2          0         ",
    ]
    entries = ipvsadm("-Lnc")
    assert entries[:2] == [
        "IPVS connection entries",
        "pro expire state       source             virtual            destination",
    ]
    assert sum(" SYN_RECV    " in line and line.endswith(f"{FIRST}:8080") for line in entries) == 4
    found = ipvsadm("-Ln", "--stats", "--exact", "-t", f"{VIP}:80")
    assert found[2].split()[:3] == ["TCP", f"{VIP}:80", "6"]
    assert ipvsadm("-Z") == []
    found = ipvsadm("-Ln", "--stats", "-t", f"{VIP}:80")
    assert {word for line in found[2:] for word in line.split()[-5:]} == {"0"}, "-Z, to the end"

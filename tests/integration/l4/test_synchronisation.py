"""Two directors, one of which dies: what it carried goes on through the other (`lvs-semantics` V78)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

from director.demo.lab import twistd
from tests.integration.l4.bed import CLIENT, REAL, SOURCES, VIP, Bed, Process, wait_for
from tests.integration.l4.test_host import Talk

INI = """
[director]
name = {name}
state_dir = {name}
workers = {workers}
shutdown_grace = 1s

[pool:web]
scheduler = rr
server.a = {real}:7007

[l4]
interfaces = {interfaces}
{sync}

[l4:web]
virtual = tcp {virtual}:7007
pool = web
forward = nat
persistent = 300s
"""


class Director:
    """One of the two."""

    def __init__(self, bed: Bed, name: str, interfaces: str, where: str, sync: str, workers: str) -> None:
        self.bed, self.where = bed, where
        self.ini: Path = bed.place / f"{name}.ini"
        self.log = bed.place / f"{name}.log"
        self.socket = bed.place / name / "control.sock"
        self.ini.write_text(
            INI.format(name=name, interfaces=interfaces, sync=sync, workers=workers, real=REAL, virtual=VIP)
        )
        self.process: Process | None = None

    def start(self) -> None:
        env = {"PYTHONPATH": str(SOURCES)}
        self.process = self.bed.net.start(self.where, *twistd(self.ini), log=self.log, env=env)
        wait_for(lambda: self.log.exists() and "is ready" in self.log.read_text(), 60)

    def flows(self, *, template: bool) -> list[dict[str, object]]:
        url = "http://localhost/api/v1/connections"
        argv = ("curl", "-s", "--unix-socket", str(self.socket), url)
        done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
        return [one for one in json.loads(done.stdout) if one["template"] is template]

    def end(self) -> None:
        assert self.process is not None
        self.process.terminate()
        assert self.process.wait(30) == 0


def second(bed: Bed) -> str:
    """A second director between client and server, with a wire to the first."""
    net, other = bed.net, bed.net.add("e")
    net.link(bed.client, "c2", other, "e0")
    net.link(other, "e1", bed.server, "s2")
    net.link(bed.director, "x0", other, "x1")
    for name, device, address in (
        (bed.client, "c2", "10.8.0.2/24"), (other, "e0", "10.8.0.1/24"),
        (other, "e1", "172.18.0.1/24"), (bed.server, "s2", "172.18.0.2/24"),
        (bed.director, "x0", "10.9.0.1/24"), (other, "x1", "10.9.0.2/24"),
    ):  # fmt: skip
        net.address(name, device, address)
    net.run(other, "ip", "route", "add", f"{CLIENT}/32", "via", "10.8.0.2")
    net.run(other, "ip", "route", "add", f"{REAL}/32", "via", "172.18.0.2")
    for name in (bed.client, bed.server, other):
        for device in ("all", "default"):
            net.run(name, "sysctl", "-qw", f"net.ipv4.conf.{device}.rp_filter=0")
    for name, device in ((bed.client, "c2"), (bed.client, "c0"), (bed.server, "s0"), (bed.server, "s2")):
        net.run(name, "sysctl", "-qw", f"net.ipv4.conf.{device}.rp_filter=0")
    net.run(other, "sysctl", "-qw", "net.ipv4.ip_forward=1")
    return other


def test_a_connection_goes_on_through_the_other_director(bed: Bed) -> None:
    other = second(bed)
    master = Director(bed, "first", "d0, d1", bed.director, "sync.master = x0 syncid 7", "0")
    backup = Director(bed, "other", "e0, e1", other, "sync.backup = x1 syncid 7", "auto")
    master.start()
    backup.start()
    talk = Talk(bed, VIP)
    assert [talk.say(word) for word in ("one", "two")] == ["one", "two"]
    (flow,) = master.flows(template=False)
    (known,) = wait_for(lambda: backup.flows(template=False), 30)
    told = ("client", "virtual", "server", "state", "service")
    assert [known[key] for key in told] == [flow[key] for key in told]
    assert (flow["state"], flow["origin"], known["origin"]) == ("ESTABLISHED", "LOCAL", "SYNC")
    wait_for(lambda: backup.flows(template=True), 30)
    assert master.process is not None
    os.kill(master.process.pid, signal.SIGKILL)
    bed.net.run(bed.client, "ip", "route", "add", f"{VIP}/32", "via", "10.8.0.1")
    bed.net.run(bed.server, "ip", "route", "replace", "default", "via", "172.18.0.1")
    assert talk.say("after") == "after"
    talk.end()
    backup.end()
    assert "the backup of synchronisation runs on x1 syncid 7" in backup.log.read_text()

"""The whole program: layer-4 services added, changed and removed by reload while a transfer runs."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

from director.demo.lab import twistd
from tests.integration.l4.bed import HERE, REAL, SOURCES, VIP, Bed, Process, wait_for
from tests.integration.l4.exchange import digest

OTHER = "198.51.100.20"
SIZE = 128 << 20

HEAD = """
[director]
name = edge-1
state_dir = state
shutdown_grace = 1s

[admin]
listen = 127.0.0.1:8404

[pool:web]
scheduler = rr
server.a = {real}:8080

[l4]
interfaces = d0, d1
"""
SERVICE = """
[l4:{name}]
virtual = tcp {address}:8080
pool = web
forward = nat
"""


def written(place: Path, **services: str) -> Path:
    sections = [SERVICE.format(name=name, address=address) for name, address in services.items()]
    ini = place / "director.ini"
    ini.write_text(HEAD.format(real=REAL) + "".join(sections))
    return ini


def run(bed: Bed, ini: Path) -> Process:
    env = {"PYTHONPATH": str(SOURCES)}
    return bed.net.start(bed.director, *twistd(ini), log=bed.place / "log", env=env)


def test_services_come_and_go_and_a_running_transfer_does_not_notice(bed: Bed, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(exist_ok=True)
    before = bed.addresses(), bed.tables()
    process = run(bed, written(tmp_path, web=VIP))
    wait_for(lambda: VIP in bed.addresses(), 20)
    script = str(HERE / "exchange.py")
    bed.python(bed.server, script, "listen", "8080", str(SIZE), log=tmp_path / "server")
    wait_for(lambda: ":8080 " in bed.net.run(bed.server, "ss", "-ltn"))
    said: list[str] = []

    def transfer() -> None:
        words = ("connect", VIP, "8080", str(SIZE))
        said.append(bed.net.run(bed.client, sys.executable, script, *words, timeout=60).strip())

    thread = threading.Thread(target=transfer)
    thread.start()
    written(tmp_path, web=VIP, other=OTHER)
    process.send_signal(signal.SIGHUP)
    wait_for(lambda: OTHER in bed.addresses())
    assert VIP in bed.addresses()
    thread.join(60)
    assert said == [digest("server", SIZE)]
    written(tmp_path, other=OTHER)
    process.send_signal(signal.SIGHUP)
    wait_for(lambda: VIP not in bed.addresses())
    assert OTHER in bed.addresses()
    bed.net.run(bed.client, sys.executable, script, "connect", OTHER, "8080", "1000000")
    process.terminate()
    assert process.wait(10) == 0
    assert (bed.addresses(), bed.tables()) == before

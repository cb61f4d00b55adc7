"""The whole program where addresses, or a port, come later: it starts, serves the rest, and says so."""

from __future__ import annotations

import socket
from pathlib import Path

from director.demo.lab import twistd
from director.demo.netns import inside
from director.errors import DirectorError
from tests.integration.l4.bed import SOURCES, Bed, Process, wait_for

LATER, LATER6 = "10.0.0.77", "fd00:10::77"
INI = f"""
[director]
name = standby
state_dir = state
shutdown_grace = 1s

[admin]
listen = 127.0.0.1:8404

[pool:web]
server.a = 127.0.0.1:9001

[demo:red]
listen = 127.0.0.1:9001

[l7:www]
listen = 10.0.0.1:8000, 10.0.0.1:8001, {LATER}:8000, [{LATER6}]:8000
pool = web
"""


def run(bed: Bed, ini: Path) -> Process:
    return bed.net.start(bed.director, *twistd(ini), log=bed.place / "log", env={"PYTHONPATH": str(SOURCES)})


def readyz(bed: Bed) -> str:
    try:
        return bed.net.run(bed.director, "curl", "-s", "http://127.0.0.1:8404/readyz")
    except DirectorError:
        return ""


def test_a_standby_starts_without_its_addresses_and_serves_on_them_when_it_has_them(bed: Bed) -> None:
    ini = bed.place / "director.ini"
    ini.write_text(INI)
    with inside(bed.director):
        other = socket.create_server(("10.0.0.1", 8001))
    process = run(bed, ini)
    wait_for(lambda: "not reachable on" in readyz(bed), 60)
    said = readyz(bed)
    assert f"l7:www is not reachable on {LATER}:8000: this machine does not have that address" in said
    assert f"[{LATER6}]:8000" in said
    assert "10.0.0.1:8000" not in said
    assert "l7:www is not reachable on 10.0.0.1:8001: the address is in use; stop the other program" in said
    other.close()
    wait_for(lambda: "red" in (bed.get("http://10.0.0.1:8000/") or ""))
    for address in (f"{LATER}/24", f"{LATER6}/64"):
        bed.net.address(bed.director, "d0", address)
    wait_for(lambda: "not reachable" not in readyz(bed))
    assert "red" in (bed.get(f"http://{LATER}:8000/") or "")
    assert "red" in (bed.get(f"http://[{LATER6}]:8000/") or "")
    assert "red" in (bed.get("http://10.0.0.1:8001/") or "")
    bed.net.run(bed.director, "ip", "address", "del", f"{LATER}/24", "dev", "d0")
    wait_for(lambda: LATER in readyz(bed))
    process.terminate()
    assert process.wait(30) == 0
    log = (bed.place / "log").read_text()
    assert log.count(f"is not reachable on {LATER}:8000") == 2
    assert log.count(f"listens on {LATER}:8000 now") == 1
    assert log.count("is not reachable on 10.0.0.1:8001") == 1
    assert log.count("listens on 10.0.0.1:8001 now") == 1

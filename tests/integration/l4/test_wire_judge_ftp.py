"""FTP with a real client through NAT: active and passive, old and extended (V60, V61, V62)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from director.demo.lab import twistd
from director.demo.netns import Namespaces
from tests.integration.l4.bed import HERE, REAL, REAL6, SOURCES, VIP, VIP6, Bed, skip_without_root, wait_for

INI = f"""
[director]
name = ftp
state_dir = state
shutdown_grace = 0s

[pool:four]
server.a = {REAL}:21

[pool:six]
server.a = [{REAL6}]:21

[l4]
interfaces = d0, d1

[l4:four]
virtual = tcp {VIP}:21
pool = four

[l4:six]
virtual = tcp [{VIP6}]:21
pool = six
"""


@pytest.fixture(scope="module")
def ftp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    skip_without_root()
    place = tmp_path_factory.mktemp("ftp")
    with Namespaces("dirftp") as net:
        bed = Bed(net, place)
        for own in (REAL, REAL6):
            bed.python(bed.server, str(HERE / "wire_judge_ftp.py"), own)
        (place / "state").mkdir()
        ini: Path = place / "director.ini"
        ini.write_text(INI)
        bed.net.start(bed.director, *twistd(ini), log=place / "log", env={"PYTHONPATH": str(SOURCES)})
        wait_for(lambda: VIP in bed.addresses(), 20)
        wait_for(lambda: VIP6 in net.run(bed.director, "ip", "-6", "address", "show"))
        wait_for(lambda: net.run(bed.server, "ss", "-ltn").count(":21 ") == 2)
        yield bed


MODES = {
    "epsv": (),
    "pasv": ("--disable-epsv", "--no-ftp-skip-pasv-ip"),
    "eprt": ("--ftp-port", "-"),
    "port": ("--ftp-port", "-", "--disable-eprt"),
}


@pytest.mark.parametrize(
    ("host", "mode"), [(VIP, mode) for mode in MODES] + [(f"[{VIP6}]", "epsv"), (f"[{VIP6}]", "eprt")]
)
def test_a_file_comes_and_goes(ftp: Bed, host: str, mode: str, tmp_path: Path) -> None:
    sent = tmp_path / "up"
    sent.write_bytes(mode.encode() * 30000)
    words = ("curl", "-sS", "-g", "-m", "8", *MODES[mode])
    for _ in range(2):
        ftp.net.run(ftp.client, *words, "-T", str(sent), f"ftp://u:p@{host}/{mode}")
        assert ftp.net.run(ftp.client, *words, f"ftp://u:p@{host}/{mode}") == sent.read_text()

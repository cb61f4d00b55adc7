"""`director-ipvsadm` against the real program: a script that was written for ipvsadm.

As root the director stands in a network namespace of its own, for it takes the virtual addresses from the
host that it is on; as another user it may capture nothing, and its registry and listings work all the same.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.integration.texts import BASE
from tests.support import needs
from tests.support.running import ROOT, Director, wait_until

pytestmark = [pytest.mark.integration, needs.director]

Ipvsadm = Callable[..., subprocess.CompletedProcess[str]]

RULES = """\
-A -t 192.0.2.1:80 -s sh -p 300 -M 255.255.255.0 -b sh-fallback,sh-port
-a -t 192.0.2.1:80 -r 10.0.0.2:80 -g -w 1
-a -t 192.0.2.1:80 -r 10.0.0.12:8080 -m -w 3 -x 4 -y 1
-A -u 192.0.2.1:53 -s rr -o
-A -f 5 -6 -s wlc
-a -f 5 -6 -r [2001:db8::5]:0 -g -w 0
"""
LISTED = """\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  192.0.2.1:80 sh (sh-fallback,sh-port) persistent 300 mask 255.255.255.0
  -> 10.0.0.2:80                  Route   1      0          0         
  -> 10.0.0.12:8080               Masq    3      0          0         
UDP  192.0.2.1:53 rr ops
FWM  5 IPv6 wlc
  -> [2001:db8::5]:0              Route   0      0          0         
"""  # noqa: W291 - trailing blanks are part of the output (I.3)
NOTHING = LISTED[: LISTED.index("TCP ")]


class Apart(Director):
    """A director whose host is nobody else's."""

    def start(self) -> None:
        """Wait for its socket: nobody outside reaches its ports."""
        if os.geteuid() == 0 and self.arguments[0] != "unshare":
            script = 'ip link set lo up; exec "$@"'
            self.arguments = ["unshare", "--net", "sh", "-c", script, "sh", *self.arguments]
        self.places = []
        super(Director, self).start()
        assert wait_until((self.state / "control.sock").is_socket, 30), self.log


@pytest.fixture(scope="module")
def director(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Director]:
    with Apart(BASE, tmp_path_factory.mktemp("ipvsadm")) as running:
        yield running


@pytest.fixture
def run(director: Director, tmp_path: Path) -> Iterator[Ipvsadm]:
    """Any command, where `ipvsadm` is found under the name that the scripts know."""
    link = tmp_path / "bin" / "ipvsadm"
    link.parent.mkdir()
    code = "import sys; from director.cli.lvs.main import main; sys.exit(main())"
    link.write_text(f"#!{sys.executable}\n{code}\n")
    link.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{link.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "DIRECTOR_SOCKET": str(director.state / "control.sock"),
    }

    def call(*words: str, text: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*words], input=text, capture_output=True, text=True, timeout=60, env=environment, check=False
        )

    yield call
    assert call("ipvsadm", "-C").returncode == 0


@pytest.fixture
def ipvsadm(run: Ipvsadm) -> Ipvsadm:
    return partial(run, "ipvsadm")


def test_a_saved_file_is_restored_listed_and_saved_octet_for_octet(
    ipvsadm: Ipvsadm, director: Director
) -> None:
    assert (done := ipvsadm("-R", text=RULES)).returncode == 0, done.stderr
    assert ipvsadm("-Ln").stdout == LISTED
    assert sorted(ipvsadm("-Sn").stdout.splitlines()) == sorted(RULES.splitlines())
    assert director.stop() == 0
    director.start()
    assert ipvsadm("-Ln").stdout == LISTED, "it outlives a restart"
    assert ipvsadm("-C").returncode == 0
    assert ipvsadm("-Ln").stdout == NOTHING
    assert director.api("pools") == []


def test_one_order_after_the_other(ipvsadm: Ipvsadm) -> None:
    for line in (
        "-A -t 192.0.2.1:80 -s rr",
        "-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m",
        "-e -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 5 -x 4 -y 1",
        "-E -t 192.0.2.1:80 -s wlc -p 60",
        "--set 100 0 50",
        "-Z",
    ):
        done = ipvsadm(*line.split())
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), line
    assert ipvsadm("-Sn").stdout.splitlines() == [
        "-A -t 192.0.2.1:80 -s wlc -p 60",
        "-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 5 -x 4 -y 1",
    ]
    assert ipvsadm("-L", "--timeout").stdout == "Timeout (tcp tcpfin udp): 100 120 50\n"
    assert ipvsadm("-Ln", "-c").stdout.splitlines()[0] == "IPVS connection entries"
    assert ipvsadm("-d", "-t", "192.0.2.1:80", "-r", "10.0.0.1:80").returncode == 0
    assert ipvsadm("-D", "-t", "192.0.2.1:80").returncode == 0
    assert ipvsadm("-Ln").stdout == NOTHING


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("-A -t 192.0.2.1:80 -s nonsense", 255, "Scheduler or persistence engine not found\n"),
        ("-D -t 192.0.2.1:80", 255, "No such service\n"),
        ("-a -t 192.0.2.1:80 -r 10.0.0.1", 255, "Service not defined\n"),
        ("-L -n -t 192.0.2.1:80", 1, "No such service\n"),
        ("-q", 255, "Try `ipvsadm -h' or 'ipvsadm --help' for more information.\n"),
    ],
)
def test_refusals_are_the_tools_own(ipvsadm: Ipvsadm, line: str, status: int, said: str) -> None:
    done = ipvsadm(*line.split())
    assert (done.returncode, done.stdout, done.stderr) == (status, "", said)


NOTIFY = """\
#!/bin/sh
# What keepalived calls: notify.sh INSTANCE NAME STATE
set -eu
VIP=192.0.2.1:80
case "$3" in
MASTER)
    ipvsadm -C
    ipvsadm -A -t $VIP -s wlc -p 50
    for server in 10.0.0.1 10.0.0.2; do
        ipvsadm -a -t $VIP -r $server:80 -g -w 1
    done
    ipvsadm --set 900 120 300
    ;;
BACKUP)
    ipvsadm-save -n > "$RULES"
    ipvsadm -C
    ;;
BACK)
    ipvsadm-restore < "$RULES"
    ;;
esac
"""
CHECKED = """\
#!/bin/sh
# What ldirectord does with a server: checked.sh up|down SERVER.  It reads the list first.
set -eu
VIP=192.0.2.1:80
listed=$(ipvsadm -L -n | awk -v server="$2:80" '$1 == "->" && $2 == server { print $4 }')
case "$1" in
down) [ "$listed" = 0 ] || ipvsadm -e -t $VIP -r "$2:80" -g -w 0 ;;
up) [ "$listed" != 0 ] || ipvsadm -e -t $VIP -r "$2:80" -g -w 1 ;;
gone) [ -z "$listed" ] || ipvsadm -d -t $VIP -r "$2:80" ;;
esac
ipvsadm -L -n | awk '$1 == "->" && $2 ~ /:80$/ { print $2, $4 }'
"""
SAVE = '#!/bin/sh\nexec ipvsadm -S "$@"\n'
RESTORE = '#!/bin/sh\nipvsadm -C && sed "/^#/d" | ipvsadm -R\n'


def test_scripts_of_keepalived_and_ldirectord_run_unchanged(run: Ipvsadm, tmp_path: Path) -> None:
    texts = {
        "notify.sh": NOTIFY.replace("$RULES", str(tmp_path / "rules")),
        "checked.sh": CHECKED,
        "bin/ipvsadm-save": SAVE,
        "bin/ipvsadm-restore": RESTORE,
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)

    def well(name: str, *words: str) -> str:
        done = run(str(tmp_path / name), *words)
        assert (done.returncode, done.stderr) == (0, ""), (name, words)
        return done.stdout

    well("notify.sh", "INSTANCE", "VI_1", "MASTER")
    assert well("checked.sh", "down", "10.0.0.2") == "10.0.0.1:80 1\n10.0.0.2:80 0\n"
    assert well("checked.sh", "down", "10.0.0.2") == "10.0.0.1:80 1\n10.0.0.2:80 0\n"
    assert well("checked.sh", "up", "10.0.0.2") == "10.0.0.1:80 1\n10.0.0.2:80 1\n"
    assert well("checked.sh", "gone", "10.0.0.2") == "10.0.0.1:80 1\n"
    well("notify.sh", "INSTANCE", "VI_1", "BACKUP")
    assert (tmp_path / "rules").read_text() == (
        "-A -t 192.0.2.1:80 -s wlc -p 50\n-a -t 192.0.2.1:80 -r 10.0.0.1:80 -g -w 1\n"
    )
    assert run("ipvsadm", "-Ln").stdout == NOTHING
    well("notify.sh", "INSTANCE", "VI_1", "BACK")
    assert "10.0.0.1:80" in run("ipvsadm", "-Ln").stdout

"""What is imported is what the same file makes when it is restored into a running director."""

from __future__ import annotations

import io

import pytest

from director.cli.client import Refused
from director.cli.lvs.command import run
from director.cli.lvs.importing import sections
from director.cli.lvs.remote import RemoteTable
from tests.support.configurations import read_ini
from tests.unit.cli.memory import MemoryClient

RULES = """\
# saved
-A -t 192.0.2.1:80 -s sh -p 300 -M 255.255.255.0 -b sh-fallback,sh-port
-a -t 192.0.2.1:80 -r 10.0.0.2:80 -g -w 1
-a -t 192.0.2.1:80 -r 10.0.0.12:8080 -m -w 3 -x 4 -y 1
-a -t 192.0.2.1:80 -r 10.0.0.13:80 -i -w 0 --tun-type gue --tun-port 6080 --tun-csum

ipvsadm -A -u 192.0.2.1:5060 -s rr -p 60 --pe sip -o
-A -f 5 -6
-a -f 5 -6 -r [2001:db8::5]:0
"""


def test_it_is_what_a_restore_makes() -> None:
    read = read_ini("".join(sections(RULES.splitlines()))).require()
    client = MemoryClient()
    table = RemoteTable(lambda: client)  # type: ignore[arg-type,return-value]
    table.flush()
    before = len(client.admin.control.registry.configuration.pools)
    assert run(["-R"], table, RULES.splitlines(keepends=True), io.StringIO(), io.StringIO()) == 0
    made = client.admin.control.registry.configuration
    assert (read.l4, read.pools) == (made.l4, made.pools[before:])


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("-A -t 192.0.2.1:80\n-A -t 192.0.2.1:80", "line 2: tcp 192.0.2.1:80 is added twice"),
        ("-a -t 192.0.2.1:80 -r 10.0.0.1", "line 1: .* behind its service"),
        ("\n-C", "line 2: '-C' is none of"),
        ("-A -t 192.0.2.1:80 -w 1", "line 1: Illegal 'weight' option"),
        ("-A -t '192.0.2.1:80", "line 1: No closing quotation"),
    ],
)
def test_a_line_that_is_no_rule_is_named(rules: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        list(sections(rules.splitlines()))

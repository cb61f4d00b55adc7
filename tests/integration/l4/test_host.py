"""What the host around the director does to it: firewalls, ARP settings, neighbours with a memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from director.demo.netns import Namespaces
from director.errors import DirectorError
from tests.integration.l4.bed import REAL, REAL6, VIP, Bed, wait_for

NEAR, NEAR6 = "10.0.0.100", "fd00:10::100"
URL, URL6 = f"http://{NEAR}:8080/", f"http://[{NEAR6}]:8080/"
WRONG = "02:00:00:00:00:99"
ECHO = """
import socket
with socket.create_server(("", 7007), family=socket.AF_INET6, dualstack_ipv6=True) as listener:
    conn, _ = listener.accept()
    while data := conn.recv(4096):
        conn.sendall(data)
"""
TALK = """
import socket, sys
with socket.create_connection((sys.argv[1], 7007), 5) as conn:
    conn.settimeout(5)
    for line in sys.stdin:
        conn.sendall(line.encode())
        sys.stdout.write(conn.recv(4096).decode())
        sys.stdout.flush()
"""


def address(bed: Bed, interface: str, wanted: str) -> dict[str, object]:
    found = json.loads(bed.net.run(bed.director, "ip", "-j", "address", "show", "dev", interface))
    held = [one for link in found if link for one in link.get("addr_info", ())]
    return next((one for one in held if one.get("local") == wanted), {})


def nft(bed: Bed, *words: str) -> bool:
    """Somebody else's command; whether the kernel let it happen."""
    try:
        bed.net.run(bed.director, "nft", *words)
    except DirectorError:
        return False
    return True


def lladdr(bed: Bed, wanted: str) -> str:
    found = json.loads(bed.net.run(bed.client, "ip", "-j", "neigh", "show", wanted, "dev", "c0"))
    return str(found[0].get("lladdr", "")) if found else ""


def mac(bed: Bed) -> str:
    return str(json.loads(bed.net.run(bed.director, "ip", "-j", "link", "show", "d0"))[0]["address"])


class Talk:
    """One long connection that says a word and hears it."""

    def __init__(self, bed: Bed, virtual: str) -> None:
        bed.python(bed.server, "-c", ECHO)
        wait_for(lambda: ":7007 " in bed.net.run(bed.server, "ss", "-ltn"))
        argv = ("ip", "netns", "exec", bed.client, sys.executable, "-c", TALK, virtual)
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def say(self, word: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


DAMAGE = (
    ("flush", "ruleset"),
    ("flush", "table", "netdev", "TABLE"),
    ("flush", "chain", "netdev", "TABLE", "packets4"),
    ("delete", "table", "netdev", "TABLE"),
    ("insert", "rule", "netdev", "TABLE", "packets4", "accept"),
    ("flush", "set", "netdev", "TABLE", "virtual4"),
    ("delete", "chain", "netdev", "TABLE", "ingress0"),
)


@pytest.mark.parametrize("table", ["director-edge-1", "director-edge-1/spare"])
def test_no_firewall_of_others_costs_a_connection(bed: Bed, table: str) -> None:
    """What an owner keeps is kept, and what nobody keeps comes back; the host never says a word."""
    process, _said = bed.start(virtual=f"{VIP}:7007", reals=f"{REAL}:7007")
    talk = Talk(bed, VIP)
    assert talk.say("first") == "first"
    whole = bed.net.run(bed.director, "nft", "-s", "list", "ruleset")
    for words in DAMAGE:
        done = nft(bed, *(table if word == "TABLE" else word for word in words))
        assert done == (words[-1] == "ruleset" or table.endswith("spare")), words
        assert talk.say(words[0]) == words[0]
        wait_for(lambda: bed.net.run(bed.director, "nft", "-s", "list", "ruleset") == whole, 5)
    talk.end()
    bed.stop(process)
    assert bed.tables() == ""


def test_a_virtual_address_of_ipv6_is_never_the_hosts_own_voice(bed: Bed) -> None:
    """The server holds it, too: what the host says from there is answered to nobody."""
    bed.net.address(bed.server, "lo", "fd00:16::100/128")
    bed.serve()
    process, said = bed.start(virtual="[fd00:16::100]:8080", reals=f"[{REAL6}]:8080")
    assert said["troubles"] == {}
    held = address(bed, "d1", "fd00:16::100")
    assert held["deprecated"] is True
    assert held["preferred_life_time"] == 0
    route = bed.net.run(bed.director, "ip", "-6", "route", "get", REAL6)
    assert "src fd00:16::1 " in route
    assert bed.get(f"http://[{REAL6}]:8080/", bed.director) == "hello"
    assert bed.get("http://[fd00:16::100]:8080/") == "hello"
    bed.stop(process)
    assert address(bed, "d1", "fd00:16::100") == {}


def test_an_interface_without_an_address_does_not_borrow_the_virtual_one(bed: Bed) -> None:
    """On `lo`, and on that very interface: what it says comes from another address of the host."""
    process, _said = bed.start(virtual=f"{VIP}:8080")
    bed.net.run(bed.director, "ip", "address", "flush", "dev", "d1", "scope", "global")
    bed.net.run(bed.director, "ip", "route", "add", "172.16.0.0/24", "dev", "d1")
    for ignored, holder in ((0, "lo"), (1, "d1")):
        bed.net.run(bed.director, "sysctl", "-qw", f"net.ipv4.conf.all.arp_ignore={ignored}")
        wait_for(lambda holder=holder: address(bed, holder, VIP))  # type: ignore[misc]
        wait_for(lambda holder=holder: holder == "lo" or not address(bed, "lo", VIP))  # type: ignore[misc]
        assert "src 10.0.0.1 " in bed.net.run(bed.director, "ip", "route", "get", REAL)
    bed.stop(process)


def test_an_address_that_somebody_prefers_is_deprecated_again(bed: Bed) -> None:
    process, _said = bed.start(virtual=f"[{NEAR6}]:8080", reals=f"[{REAL6}]:8080")
    bed.net.run(
        bed.director, "ip", "address", "change", f"{NEAR6}/128", "dev", "d0", "preferred_lft", "forever"
    )
    wait_for(lambda: address(bed, "d0", NEAR6).get("deprecated") is True)
    bed.stop(process)


def test_neighbours_learn_at_once_who_has_the_address(bed: Bed) -> None:
    """As after a takeover: the client believes in somebody else, for a minute if nobody speaks."""
    bed.serve()
    for one in (NEAR, NEAR6):
        bed.net.run(
            bed.client, "ip", "neigh", "replace", one, "lladdr", WRONG, "dev", "c0", "nud", "reachable"
        )
    process, _said = bed.start(virtual=f"{NEAR}:8080")
    wait_for(lambda: lladdr(bed, NEAR) == mac(bed), 3)
    assert bed.get(URL) == "hello"
    bed.stop(process)
    process, _said = bed.start(virtual=f"[{NEAR6}]:8080", reals=f"[{REAL6}]:8080")
    wait_for(lambda: lladdr(bed, NEAR6) == mac(bed), 3)
    assert bed.get(URL6) == "hello"
    bed.stop(process)


@pytest.mark.parametrize("value", [1, 2])
@pytest.mark.parametrize("where", ["all", "d0"])
def test_arp_is_answered_whatever_is_ignored(bed: Bed, value: int, where: str) -> None:
    bed.serve()
    bed.net.run(bed.director, "sysctl", "-qw", f"net.ipv4.conf.{where}.arp_ignore={value}")
    process, said = bed.start(virtual=f"{NEAR}:8080")
    assert said["troubles"] == {}
    assert bed.get(URL) == "hello"
    bed.net.run(bed.director, "sysctl", "-qw", f"net.ipv4.conf.{where}.arp_ignore=0")
    wait_for(lambda: address(bed, "lo", NEAR) and not address(bed, "d0", NEAR))
    bed.net.run(bed.director, "sysctl", "-qw", f"net.ipv4.conf.{where}.arp_ignore={value}")
    wait_for(lambda: address(bed, "d0", NEAR))
    bed.net.run(bed.client, "ip", "neigh", "flush", "all")
    assert bed.get(URL) == "hello"
    bed.stop(process)
    assert not address(bed, "d0", NEAR)
    assert not address(bed, "lo", NEAR)


def test_an_address_that_cannot_be_added_costs_no_other(bed: Bed) -> None:
    """IPv6 is off on the clients' interface: the rest serves, and it is tried again."""
    bed.serve()
    bed.net.run(bed.director, "sysctl", "-qw", "net.ipv6.conf.lo.disable_ipv6=1")
    process, said = bed.start(virtual="[2001:db8:77::1]:8080", reals=f"[{REAL6}]:8080")
    assert "disable_ipv6" in said["troubles"]["address 2001:db8:77::1"]
    bed.net.run(bed.director, "sysctl", "-qw", "net.ipv6.conf.lo.disable_ipv6=0")
    wait_for(lambda: address(bed, "lo", "2001:db8:77::1"))
    bed.stop(process)


def test_after_a_kill_the_rules_hold_until_the_next_start(bed: Bed, net: Namespaces, tmp_path: Path) -> None:
    process, _said = bed.start(virtual=f"{VIP}:7007", reals=f"{REAL}:7007")
    talk = Talk(bed, VIP)
    assert talk.say("first") == "first"
    process.kill()
    process.wait()
    assert bed.tables() == "table netdev director-edge-1/spare\n"
    process, _said = bed.start("nat", "sloppy_tcp=1", virtual=f"{VIP}:7007", reals=f"{REAL}:7007")
    assert talk.say("second") == "second"
    talk.end()
    bed.stop(process)
    assert bed.tables() == ""

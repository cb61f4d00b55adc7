from __future__ import annotations

import io

import pytest
from attrs import evolve

from director.cli.lvs.table import KernelError
from director.cli.lvs.tcpvs import command
from director.cli.lvs.tcpvs.table import TcpvsRule, TcpvsServer, TcpvsService
from director.model.pools import Address
from tests.unit.cli.lvs.tcpvs.memory import ListedServices

ONE = Address("10.0.0.1", 80)
SERVICE = TcpvsService("x", servers=(TcpvsServer(ONE),))


def run(table: ListedServices, *words: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    status = command.run(words, table, out, err)
    return status, out.getvalue(), err.getvalue()


def test_one_that_cannot_start_does_not_keep_the_others() -> None:
    table = ListedServices(*(TcpvsService(name) for name in "abc"))
    table.refuse = "b"
    assert run(table, "--start") == (255, "", "b cannot be changed\n")
    assert [one.running for one in table.found] == [True, False, True]


def test_a_list_of_one_has_no_heading() -> None:
    assert run(ListedServices(SERVICE), "-Ln", "-i", "x")[1].startswith("Virtual x {\n")
    assert run(ListedServices(SERVICE), "-Ln", "-i", "y") == (255, "", "No such service\n")


def test_what_changes_nothing_is_no_order() -> None:
    table = ListedServices(SERVICE)
    table.refuse = "x"
    assert run(table, "-e", "-i", "x", "-r", "10.0.0.1:80")[0] == 0


@pytest.mark.parametrize(
    ("pattern", "match", "said"),
    [
        ("(", 0, "no regular expression"),
        ("", 0, "1 to 255 bytes"),
        ("x" * 256, 0, "1 to 255 bytes"),
        ("/(a)", 2, "has 1 group"),
    ],
)
def test_patterns_that_cannot_be(pattern: str, match: int, said: str) -> None:
    with pytest.raises(KernelError, match=said) as caught:
        command.with_pattern(evolve(SERVICE, scheduler="hhttp"), pattern, match, ONE)
    assert caught.value.code == "EFAULT"


def test_the_match_matters_to_hhttp_alone() -> None:
    assert command.with_pattern(SERVICE, "/", 5, ONE).rules == (TcpvsRule("/", 5, (ONE,)),)


def test_wlc_has_no_rules() -> None:
    with pytest.raises(KernelError, match="wlc reads no request"):
        command.with_pattern(evolve(SERVICE, scheduler="wlc"), "/", 0, ONE)
    table = ListedServices(command.with_pattern(SERVICE, "/", 0, ONE))
    status, _, said = run(table, "-E", "-i", "x", "-s", "wlc")
    assert (status, "delete the service's rules first" in said) == (255, True)


def test_a_server_that_is_not_in_the_rule_is_none_to_take_out() -> None:
    """A.4: delete rule with a dest not in that rule: 0."""
    ruled = command.with_pattern(SERVICE, "/", 0, ONE)
    assert command.without_pattern(ruled, "/", Address("10.0.0.2", 80)) == ruled


def test_the_programs_name_is_in_the_hint() -> None:
    out, err = io.StringIO(), io.StringIO()
    assert command.run(["-q"], ListedServices(), out, err, "director-tcpvsadm") == 255
    assert "director-tcpvsadm --help" in err.getvalue()

from __future__ import annotations

import pytest

from director.cli.lvs.popt import BadOptionError
from director.cli.lvs.tcpvs.arguments import parse
from director.model.pools import Address


def test_a_command_may_begin_a_cluster() -> None:
    assert parse(["-Ln"]).options == {"numeric"}
    assert parse(["-Aix"]).ident == "x"
    assert (parse(["-f", "a.conf"]).file, parse(["-fa.conf"]).file) == ("a.conf", "a.conf")
    assert parse(["--load-configfile=a.conf"]).file == "a.conf"


def test_l_is_the_list_first_and_where_to_listen_behind_a_command() -> None:
    assert parse(["-l"]).command == "list"
    found = parse(["-A", "-i", "x", "-l", "127.0.0.1:81"])
    assert (found.command, found.listen, found.port) == ("add-service", "127.0.0.1", 81)
    assert parse(["-A", "-i", "x", "--listen", "127.0.0.1"]).listen == "127.0.0.1"


def test_the_port_of_its_own_option_counts() -> None:
    for words in (["-P", "82", "-l", "127.0.0.1:81"], ["-l", "127.0.0.1:81", "-P", "82"]):
        assert parse(["-A", "-i", "x", *words]).port == 82


def test_ranges_end_where_the_reference_says() -> None:
    assert parse(["-A", "-i", "x", "-P", "65534"]).port == 65534
    assert parse(["-a", "-i", "x", "-r", "10.0.0.1:80", "-w", "65535"]).weight == 65535
    assert parse(["--add-rule", "-i", "x", "-p", "/", "-r", "10.0.0.1:80", "-m", "10"]).match == 10


def test_ports_may_be_names() -> None:
    assert parse(["-d", "-i", "x", "-r", "10.0.0.1:http"]).server == Address("10.0.0.1", 80)


@pytest.mark.parametrize("words", [["x"], ["-"], ["--"], ["-f"], ["-n", "-L"]])
def test_what_does_not_begin_with_a_command_gets_the_hint(words: list[str]) -> None:
    with pytest.raises(BadOptionError, match="Try `x -h'") as caught:
        parse(words, "x")
    assert caught.value.code == 255

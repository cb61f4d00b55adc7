"""Rows K1 to K12 and K50 of the acceptance table: `tcpvsadm` over the admin's real routes, in memory.

Expected values are those of part A of the LVS reference, with the defects that it marks mended as it recommends.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from director.cli.lvs.tcpvs.main import main
from tests.unit.cli.memory import MemoryClient

Tcpvsadm = Callable[..., tuple[int, str, str]]

FULL = """\
Virtual content {
    listen = 127.0.0.1:8081
    scheduler = http
    startservers = 4
    maxclients = 64
    minspareservers = 2
    maxspareservers = 9
    redirect = 127.0.0.1:8099
    server = 10.0.0.1:80 1
    server = 10.0.0.2:80 2
    server = 10.0.0.3:80 3
    rule = pattern "/images/.*" use server 10.0.0.1:80
    rule = pattern "/html/.*" use server 10.0.0.2:80
    rule = pattern ".*" use server 10.0.0.3:80
}
Virtual hashed {
    listen = 0.0.0.0:8082
    scheduler = hhttp
    startservers = 8
    maxclients = 256
    minspareservers = 6
    maxspareservers = 18
    server = 10.0.0.1:80 1
    server = 10.0.0.2:80 1
    server = 10.0.0.3:80 1
    rule = pattern "/users/([^/]+)/.*" match 1 use server 10.0.0.1:80
    rule = pattern "/users/([^/]+)/.*" match 1 use server 10.0.0.2:80
    rule = pattern "/users/([^/]+)/.*" match 1 use server 10.0.0.3:80
}
"""
HEADING = "TCP Virtual Server version 0.0.18\n"


@pytest.fixture
def client() -> MemoryClient:
    """A director without services of its own."""
    made = MemoryClient()
    for kind in ("rules", "services", "pools"):
        for one in made.get(kind):
            made.delete(kind, str(one.get("key", one.get("number", one["name"]))))
    return made


@pytest.fixture
def tcpvsadm(client: MemoryClient, capsys: pytest.CaptureFixture[str]) -> Tcpvsadm:
    def call(*words: str) -> tuple[int, str, str]:
        status = main(["tcpvsadm", *words], client)  # type: ignore[arg-type]
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return call


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], str]:
    def write(text: str) -> str:
        path = tmp_path / "tcpvs.conf"
        path.write_text(text)
        return str(path)

    return write


Write = Callable[[str], str]


def well(tcpvsadm: Tcpvsadm, *lines: str) -> None:
    for line in lines:
        assert tcpvsadm(*line.split()) == (0, "", ""), line


def test_k1_a_file_with_every_keyword_loads(tcpvsadm: Tcpvsadm, file: Write) -> None:
    assert tcpvsadm("-f", file(FULL)) == (0, "", "")
    assert tcpvsadm("-L", "-n") == (0, HEADING + FULL, "")
    assert tcpvsadm("-Ln") == tcpvsadm("-L", "-n")
    assert tcpvsadm("--list", "--numeric", "--ident", "hashed") == (
        0,
        FULL[FULL.index("Virtual hashed") :],
        "",
    )


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("virtual a {\n  listen = 127.0.0.1:80\n  lisen = 1\n}\n", 3, "parse_service error"),
        ("virtual a {\n  listen = 127.0.0.1:99999\n}\n", 2, "parsing listen address error"),
        ("virtual a {\n  scheduler http\n}\n", 2, "parsing scheduler error"),
        ("virtual a {\n  startservers = 0\n}\n", 2, "parsing startservers error"),
        ("virtual a {\n  maxclients = 65536\n}\n", 2, "parsing maxclients error"),
        ("virtual a {\n  minspareservers = x\n}\n", 2, "parsing minspareservers error"),
        ("virtual a {\n  maxspareservers = -1\n}\n", 2, "parsing maxspareservers error"),
        ("virtual a {\n\n  redirect = 12345\n}\n", 3, "parsing redirect address error"),
        ("virtual a {\n  server = 10.0.0.1:80\n}\n", 3, "parsing server error"),
        ("virtual a {\n  server = 10.0.0.1:80 0\n}\n", 2, "parsing server error"),
        ('virtual a {\n  rule = pattern "x" server 10.0.0.1:80\n}\n', 2, "parsing rule error"),
        ("virtual a\n  listen = 127.0.0.1:80\n}\n", 2, "parse_service error"),
    ],
)
def test_k2_what_is_wrong_with_a_file(
    tcpvsadm: Tcpvsadm, file: Write, text: str, line: int, message: str
) -> None:
    name = file(text)
    said = f"Syntax error in the config file {name} (line {line}): {message}\n"
    assert tcpvsadm("-f", name) == (1, "", said)


def test_k2_other_files_that_cannot_be_used(tcpvsadm: Tcpvsadm, file: Write) -> None:
    assert tcpvsadm("-f", file("frobnicate a {\n}\n")) == (1, "", "invalid command frobnicate\n")
    assert tcpvsadm("-f", "/none/there") == (1, "", "config file /none/there opening error\n")


def test_k3_a_file_replaces_the_table(tcpvsadm: Tcpvsadm, file: Write, client: MemoryClient) -> None:
    assert tcpvsadm("-f", file("virtual a {\n}\nvirtual b {\n}\n"))[0] == 0
    assert tcpvsadm("-f", file("virtual b {\n listen = 127.0.0.1:81\n}\nvirtual c {\n}\n"))[0] == 0
    assert re.findall(r"(?m)^Virtual (\w+) {", tcpvsadm("-Ln")[1]) == ["b", "c"]
    assert {one["name"] for one in client.get("pools")} == {"b", "c"}
    before = tcpvsadm("-Ln")
    assert tcpvsadm("-f", file("virtual d {\n nonsense\n}\n"))[0] == 1
    assert tcpvsadm("-Ln") == before, "what cannot be read changes nothing"


def test_k4_services(tcpvsadm: Tcpvsadm) -> None:
    well(tcpvsadm, "-A -i x")
    assert tcpvsadm("-A", "-i", "x") == (255, "", "Service already exists\n")
    assert tcpvsadm("-E", "-i", "y", "-P", "81") == (255, "", "No such service\n")
    assert tcpvsadm("-D", "-i", "y") == (255, "", "No such service\n")
    well(tcpvsadm, "--start -i x")
    status, _, said = tcpvsadm("-D", "-i", "x")
    assert (status, "stop it first" in said) == (255, True)
    well(tcpvsadm, "--stop -i x", "-D -i x")
    assert tcpvsadm("-Ln") == (0, HEADING, "")


def test_k4_an_edit_keeps_what_it_does_not_speak_of(tcpvsadm: Tcpvsadm, file: Write) -> None:
    assert tcpvsadm("-f", file(FULL))[0] == 0
    well(tcpvsadm, "-E -i content -P 81")
    assert tcpvsadm("-Ln")[1] == HEADING + FULL.replace("127.0.0.1:8081", "127.0.0.1:81")


def test_k5_the_defaults_of_a_service(tcpvsadm: Tcpvsadm) -> None:
    well(tcpvsadm, "-A -i x")
    assert tcpvsadm("-L", "-n", "-i", "x")[1] == (
        "Virtual x {\n    listen = 0.0.0.0:8080\n    scheduler = http\n    startservers = 8\n"
        "    maxclients = 256\n    minspareservers = 6\n    maxspareservers = 18\n}\n"
    )


def test_k5_a_file_has_the_same_defaults(tcpvsadm: Tcpvsadm, file: Write) -> None:
    well(tcpvsadm, "-A -i x")
    shown = tcpvsadm("-Ln")
    assert tcpvsadm("-f", file("virtual x {\n}\n"))[0] == 0
    assert tcpvsadm("-Ln") == shown


def test_k6_servers(tcpvsadm: Tcpvsadm) -> None:
    assert tcpvsadm("-a", "-i", "x", "-r", "10.0.0.1:80") == (255, "", "Service not defined\n")
    well(tcpvsadm, "-A -i x", "-a -i x -r 10.0.0.1:80", "-a -i x -r 10.0.0.2:80 -w 0")
    assert tcpvsadm("-a", "-i", "x", "-r", "10.0.0.1:80") == (255, "", "Destination already exists\n")
    for word in ("-e", "-d"):
        assert tcpvsadm(word, "-i", "x", "-r", "10.0.0.9:80") == (255, "", "No such destination\n")
    well(tcpvsadm, "-e -i x -r 10.0.0.1:80 -w 7", "--add-rule -i x -p /a -r 10.0.0.1:80")
    assert tcpvsadm("-d", "-i", "x", "-r", "10.0.0.1:80") == (255, "", "Destination is busy\n")
    well(tcpvsadm, "-e -i x -r 10.0.0.1:80", "-d -i x -r 10.0.0.2:80")
    assert tcpvsadm("-Ln", "-i", "x")[1].splitlines()[7:] == [
        "    server = 10.0.0.1:80 7", '    rule = pattern "/a" use server 10.0.0.1:80', "}",
    ]  # fmt: skip


def test_k7_rules(tcpvsadm: Tcpvsadm, client: MemoryClient) -> None:
    well(tcpvsadm, "-A -i x", "-a -i x -r 10.0.0.1:80", "-a -i x -r 10.0.0.2:80")
    before = tcpvsadm("-Ln")
    status, _, said = tcpvsadm("--add-rule", "-i", "x", "-p", "/a(", "-r", "10.0.0.1:80")
    assert (status, "no regular expression" in said) == (255, True)
    assert tcpvsadm("--add-rule", "-i", "x", "-p", "/", "-r", "10.0.0.9:80")[2] == "No such destination\n"
    assert tcpvsadm("--del-rule", "-i", "x", "-p", "/", "-r", "10.0.0.1:80")[0] == 255
    assert tcpvsadm("-Ln") == before
    well(tcpvsadm, "--add-rule -i x -p /a -r 10.0.0.1:80", "--add-rule -i x -p /a -r 10.0.0.2:80")
    assert tcpvsadm("--add-rule", "-i", "x", "-p", "/b", "-r", "10.0.0.2:80")[2] == "Destination is busy\n"
    well(tcpvsadm, "--del-rule -i x -p /a -r 10.0.0.1:80")
    assert len(client.get("rules")) == 1
    well(tcpvsadm, "--del-rule -i x -p /a -r 10.0.0.1:80", "--del-rule -i x -p /a -r 10.0.0.2:80")
    assert client.get("rules") == [], "it vanishes with its last server"
    assert tcpvsadm("-Ln") == before


def test_k7_a_longer_pattern_is_another_one(tcpvsadm: Tcpvsadm, client: MemoryClient) -> None:
    well(tcpvsadm, "-A -i x", "-a -i x -r 10.0.0.1:80", "-a -i x -r 10.0.0.2:80")
    well(tcpvsadm, "--add-rule -i x -p /a -r 10.0.0.1:80", "--add-rule -i x -p /a/b -r 10.0.0.2:80")
    assert [one["when"] for one in client.get("rules")] == ["uri ~ /a/b", "uri ~ /a"]


def test_k8_the_order_of_rules(tcpvsadm: Tcpvsadm, client: MemoryClient) -> None:
    well(tcpvsadm, "-A -i x", *(f"-a -i x -r 10.0.0.{one}:80" for one in range(1, 5)))
    for one, pattern in enumerate((".*", "/a", "^/.*", "/b"), 1):
        well(tcpvsadm, f"--add-rule -i x -p {pattern} -r 10.0.0.{one}:80")
    tried = [one["when"].removeprefix("uri ~ ") for one in client.get("rules")]
    assert tried == ["/b", "/a", ".*", "^/.*"], "the later wins, those for all the rest stay last"


def test_k9_names_without_numeric(tcpvsadm: Tcpvsadm) -> None:
    well(tcpvsadm, "-A -i x -l 127.0.0.1:80")
    assert "    listen = localhost:http\n" in tcpvsadm("-L")[1]


def test_k10_what_is_listed_loads_as_what_it_was(tcpvsadm: Tcpvsadm, file: Write) -> None:
    assert tcpvsadm("-f", file(FULL))[0] == 0
    well(tcpvsadm, "--del-rule -i hashed -p /users/([^/]+)/.* -r 10.0.0.1:80")
    assert (
        tcpvsadm("--add-rule", "-i", "hashed", "-p", '^/a"b ([a-z]*)\\.', "-m", "1", "-r", "10.0.0.1:80")[0]
        == 0
    )
    well(tcpvsadm, "-e -i content -r 10.0.0.1:80 -w 0")
    shown = tcpvsadm("-Ln")[1]
    assert "    server = 10.0.0.1:80 0\n" in shown, "a file cannot say so, a list that is loaded again can"
    assert tcpvsadm("-f", file(shown)) == (0, "", "")
    again = tcpvsadm("-Ln")[1]
    assert tcpvsadm("-f", file(again)) == (0, "", "")
    assert tcpvsadm("-Ln")[1] == again
    assert again.replace('\\"', '"') == shown.replace('\\"', '"')


def test_k11_one_or_all_are_started_and_stopped(tcpvsadm: Tcpvsadm, client: MemoryClient) -> None:
    well(tcpvsadm, "-A -i x -P 81", "-A -i y -P 82", "--start -i x")
    started = lambda: [one["name"] for one in client.get("services") if one["start"]]  # noqa: E731
    assert started() == ["x"]
    well(tcpvsadm, "--start -i x")
    assert started() == ["x"], "to start what runs does not stop it"
    well(tcpvsadm, "--start")
    assert started() == ["x", "y"]
    well(tcpvsadm, "--stop -i x")
    assert started() == ["y"]
    well(tcpvsadm, "--stop")
    assert started() == []
    assert tcpvsadm("--start", "-i", "z") == (255, "", "No such service\n")


def test_a_flush_stops_at_a_service_that_runs(tcpvsadm: Tcpvsadm) -> None:
    """A.4: it still returns 0; services stand newest first, so what is older than that one stays."""
    well(tcpvsadm, "-A -i a", "-A -i b", "-A -i c", "--start -i b")
    status, out, said = tcpvsadm("-F")
    assert (status, out, "Service b is running" in said) == (0, "", True)
    assert re.findall(r"(?m)^Virtual (\w+) {", tcpvsadm("-Ln")[1]) == ["a", "b"]


def test_k50_schedulers(tcpvsadm: Tcpvsadm) -> None:
    for name in ("wlc", "http", "hhttp", "phttp", "chttp", "yhttp", "rr"):
        well(tcpvsadm, f"-A -i {name} -s {name}")
        shown = "chttp" if name == "yhttp" else name  # the same to the letter (part 0)
        assert f"    scheduler = {shown}\n" in tcpvsadm("-Ln", "-i", name)[1]
    well(tcpvsadm, "-E -i http -s chttp")
    assert "    scheduler = chttp\n" in tcpvsadm("-Ln", "-i", "http")[1]


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("-A", 2, "You need to supply the 'ident' option for the 'add-service' command"),
        ("-a -i x", 2, "You need to supply the 'real-server' option for the 'add-server' command"),
        (
            "--add-rule -i x -r 10.0.0.1:80",
            2,
            "You need to supply the 'pattern' option for the 'add-rule' command",
        ),
        ("-E -i x -l 127.0.0.1", 2, "Illegal 'listen' option with the 'edit-service' command"),
        ("-d -i x -r 10.0.0.1:80 -w 1", 2, "Illegal 'weight' option with the 'delete-server' command"),
        ("-F -n", 2, "Illegal 'numeric' option with the 'flush' command"),
        ("-A -i x -i y", 2, "multiple 'ident' options specified"),
        ("-A -i x -D", 2, "multiple commands specified"),
        ("-A -i x -P 0", 2, "illegal server port specified"),
        ("-A -i x -P 65535", 2, "illegal server port specified"),
        ("-A -i x -l [::1", 2, "illegal address:port specified"),
        ("-a -i x -r 80", 2, "illegal address:port specified"),
        ("-a -i x -r 10.0.0.1:80 -w 65536", 2, "illegal weight specified"),
        ("--add-rule -i x -p / -r 10.0.0.1:80 -m 11", 2, "illegal match number specified"),
        ("-A -i x more", 2, "unknown arguments found in command line"),
        ("-i x -A", 255, "Try `tcpvsadm -h' or 'tcpvsadm --help' for more information."),
        ("-q", 255, "Try `tcpvsadm -h' or 'tcpvsadm --help' for more information."),
        ("-A -i", 255, "-i: missing argument"),
        ("-A --frob", 255, "--frob: unknown option"),
    ],
)
def test_wrong_options(tcpvsadm: Tcpvsadm, line: str, status: int, said: str) -> None:
    assert tcpvsadm(*line.split()) == (status, "", said + "\n")


def test_no_arguments_list_everything(tcpvsadm: Tcpvsadm) -> None:
    assert tcpvsadm() == (0, HEADING, "")
    well(tcpvsadm, "-A -i x")
    assert tcpvsadm() == tcpvsadm("-L")


def test_an_order_is_one_generation_and_can_be_undone(
    tcpvsadm: Tcpvsadm, file: Write, client: MemoryClient
) -> None:
    well(tcpvsadm, "-A -i x", "-a -i x -r 10.0.0.1:80")
    before = tcpvsadm("-Ln")
    generation = client.get("generations")[0]["number"]
    for words in (
        ("--add-rule", "-i", "x", "-p", "/", "-r", "10.0.0.1:80"),
        ("-f", file(FULL)),
        ("-E", "-i", "x", "-s", "hhttp"),
    ):
        assert tcpvsadm(*words)[0] == 0
        made = client.get("generations")[0]["number"]
        assert made == generation + 1, words
        client.post("generations", str(made), "undo")
        generation = made + 1
        assert tcpvsadm("-Ln") == before, words

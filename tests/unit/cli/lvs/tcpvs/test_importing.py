from __future__ import annotations

from pathlib import Path

import pytest

from director.cli import configuration
from director.cli.client import Refused
from director.cli.lvs.tcpvs.importing import sections

FILE = """\
virtual web {
    listen = 127.0.0.1:8081
    scheduler = chttp
    maxclients = 64
    redirect = 127.0.0.1:8099
    server = 10.0.0.1:80 2
    server = 10.0.0.2:80 1
    rule = pattern "\\.(png|jpg)$" use server 10.0.0.1:80
}
"""


def test_a_file_becomes_sections() -> None:
    assert "".join(sections("f", FILE)).splitlines() == [
        "[pool:web]",
        "server.10.0.0.2-80 = 10.0.0.2:80",
        "scheduler = chttp",
        "persist = cookie KTCPVS_SID insert follow",
        "",
        "[pool:web-500000]",
        "server.10.0.0.1-80 = 10.0.0.1:80 weight=2",
        "scheduler = chttp",
        "persist = cookie KTCPVS_SID insert follow",
        "",
        "[l7:web]",
        "listen = 127.0.0.1:8081",
        "protocol = http",
        "switch = request",
        "fault = active, local 127.0.0.1:8099",
        "fault_on = no_server, connect",
        "forwarded = off",
        "max_connections = 64",
        "ktcpvs = startservers 8, minspareservers 6, maxspareservers 18",
        "",
        "[rule:500000 web]",
        "service = web",
        "when = uri ~ \\.(png|jpg)$$",
        "pool = web-500000",
        "",
    ]


@pytest.mark.parametrize("scheduler", ["http", "hhttp", "phttp", "chttp", "yhttp", "wlc"])
def test_what_it_makes_can_be_used(scheduler: str, tmp_path: Path) -> None:
    text = FILE.replace("chttp", scheduler).replace("redirect", "# redirect")
    if scheduler == "wlc":
        text = "".join(line for line in text.splitlines(keepends=True) if "rule" not in line)
    path = tmp_path / "a.ini"
    path.write_text("[director]\nstate_dir = var\n" + "".join(sections("f", text)))
    checked = configuration.check(str(path), offline=True)
    assert [one.message for one in checked.problems if one.severity == "error"] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("virtual a {\n}\nvirtual a {\n}\n", "a is there twice"),
        ("virtual a {\n nonsense\n}\n", r"in the config file f \(line 2\)"),
        ("virtual a {\n rule = pattern / use server 10.0.0.1:80\n}\n", "a: No such destination"),
    ],
)
def test_what_is_wrong_is_told(text: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        "".join(sections("f", text))

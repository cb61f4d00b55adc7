from __future__ import annotations

from pathlib import Path

from director.model.settings import Configuration
from director.program.configuration import examine
from director.program.simulation.likeness import Likeness, differences

TEXT = """[l7:www]
listen = 127.0.0.1:8080, 127.0.0.1:8081
pool = web
fault = local unix:/run/x.sock, page sorry
[l7:raw]
listen = 127.0.0.1:8443
protocol = tls-passthrough
pool = other
[pool:web]
server.a = 127.0.0.1:9001
server.b = name.example:9002
tls = on
protocol = h2
check = greeting
[pool:other]
server.again = 127.0.0.1:9001
[check:greeting]
smtp = greeting
every = 7s
[page:sorry]
file = sorry.html
"""


def read(folder: Path) -> Configuration:
    (folder / "sorry.html").write_text("sorry\n")
    path = folder / "a.ini"
    path.write_text(TEXT)
    loaded = examine(str(path), offline=True)
    assert loaded.configuration is not None, loaded.problems
    return loaded.configuration


def test_what_is_far_becomes_near(tmp_path: Path) -> None:
    likeness = Likeness(read(tmp_path))
    web, other = likeness.configuration.pools
    assert [str(one.address) for one in web.servers] == ["127.0.0.1:9001", "198.18.0.3:9002"]
    assert other.servers[0].address == web.servers[0].address, "one address is one server"
    assert (web.tls, web.protocol) == (None, "http/1.1")
    (check,) = likeness.configuration.checks
    assert (check.kind, check.every) == ("http", 7.0)
    assert [one.name for one in likeness.configuration.l7] == ["www"]
    assert len(likeness.doors["www"]) == len(set(likeness.doors["www"])) == 2
    assert sorted(likeness.servers.values()) == ["local unix:/run/x.sock", "web/a", "web/b"]


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    assert list(differences(read(tmp_path))) == [
        "TLS that is passed on is left out (raw)",
        "TLS is left out: clients and servers are met in clear text",
        "servers are met by HTTP/1 instead of HTTP/2",
        "checks of kind smtp ask by HTTP",
    ]

"""What can be injected into requests, as HTTP/1 and HTTP/2 clients see it before servers of all manners."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from director.cli.client import ApiClient
from tests.integration.conftest import StartDirector
from tests.support import needs
from tests.support.certificates import make
from tests.support.running import Director, free_port, wait_until

pytestmark = [pytest.mark.integration, needs.director]

WORKERS = "0"
TIMES = "timeout.connect = 1s\ntimeout.response = 300ms\ntimeout.idle = 300ms\nretry = off\n"
INI = """[director]
state_dir = {state}
access_log = off
drills = allowed
[admin]
listen = 127.0.0.1:{admin}
[l7:www]
listen = 127.0.0.1:{listen}
pool = plain
h2c = prior
[rule:10]
service = www
when = path = /h2
pool = h2
[rule:20]
service = www
when = path = /tls
pool = tls
[l7:inner]
listen = 127.0.0.1:INNER
pool = origin
h2c = prior
[l7:secure]
listen = 127.0.0.1:SECURE
tls = shop
pool = origin
[cert:shop]
file = FOLDER/shop.crt
key = FOLDER/shop.key
[demo:o]
listen = 127.0.0.1:ORIGIN
[pool:origin]
server.o = 127.0.0.1:ORIGIN
[pool:plain]
server.a = localhost:ORIGIN
TIMES
[pool:h2]
server.a = 127.0.0.1:INNER
protocol = h2
TIMES
[pool:tls]
server.a = localhost:SECURE
protocol = h2
tls = on
tls.ca = FOLDER/shop.crt
TIMES
"""
BROKEN_OFF = "200 broken off"
REQUESTS = {
    "refuse": "503",
    "down": "503",
    "blackhole": "503",
    "reset": "502",
    "reset_peer 50ms": "502",
    "close": "502",
    "limit_data 20": "502",
    "timeout 50ms": "502",
    "hang": "504",
    "stops_reading": "504",
    "1xx": "504",
    "status 418": "418",
    "garbage": "502",
    "garbage chunk": "502",
    "truncate 4": BROKEN_OFF,
    "wrong_length +5": BROKEN_OFF,
    "wrong_length -5": "200",
    "late_trailers 50ms": "200",
    "delay lognormal 10ms 0.3": "200",
    "slow_close 50ms": "200",
    "slicer 100 5ms": "200",
}
"""What every client gets of every server, where nobody else is tried and no page is configured."""
SOME = {
    "tls expired": {"/tls": "503"},
    "tls wrong_name": {"/tls": "503"},
    "tls unknown_ca": {"/tls": "503"},
    "tls stall": {"/tls": "503"},
    "dns empty": {"/": "503", "/tls": "503"},
    # Nobody listens there.
    "dns old 127.0.5.5": {"/": "503", "/tls": "503"},
}
"""The same where it takes TLS, or a name; others do not notice."""
REASONS = {
    "tls expired": "TLS: certificate verify failed: certificate has expired",
    "tls wrong_name": "TLS: the server's certificate is not for another-name.invalid",
    "tls stall": "connect timed out",
    "dns empty": "the name localhost cannot be resolved",
    "dns old 127.0.5.5": "connection refused",
    "blackhole": "connect timed out",
}
PATHS = ("/", "/h2", "/tls")
VERSIONS = ("--http1.1", "--http2-prior-knowledge")


def asked(director: Director, path: str, version: str) -> str:
    """The status that curl sees, and whether the answer broke off."""
    host, port = director.place
    found = subprocess.run(
        [
            "curl",
            "-sS",
            version,
            "--max-time",
            "30",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            f"http://{host}:{port}{path}",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    # Of HTTP/2 curl may not tell the status of an answer that broke off at once (92).
    return found.stdout if not found.returncode else BROKEN_OFF


def test_every_kind(start: StartDirector, tmp_path: Path) -> None:
    chain, key = make("localhost", authority=True).write(tmp_path, "shop")
    assert (Path(chain).name, Path(key).name) == ("shop.crt", "shop.key")
    text = INI.replace("TIMES", TIMES).replace("FOLDER", str(tmp_path))
    for name in ("ORIGIN", "INNER", "SECURE"):
        text = text.replace(name, str(free_port()))
    places = "pool plain, pool h2, pool tls"
    text += "".join(f"[fault:{do}]\nserver = {places}\ndo = {do}\n" for do in (*REQUESTS, *SOME))
    director = start(text)
    api = ApiClient(director.state / "control.sock")
    asking = [(path, version) for path in PATHS for version in VERSIONS]
    with ThreadPoolExecutor(len(asking)) as threads:

        def seen() -> dict[tuple[str, str], str]:
            return dict(zip(asking, threads.map(lambda one: asked(director, *one), asking), strict=True))

        assert wait_until(lambda: set(seen().values()) == {"200"}, 30), director.log
        for do in (*REQUESTS, *SOME):
            api.post("faults", order={"name": do})
            expected = {one: REQUESTS.get(do) or SOME[do].get(one[0], "200") for one in asking}
            assert seen() == expected, do
            (running,) = [one for one in api.get("faults") if one["active"]]
            hit = [one for one in asking if do in REQUESTS or one[0] in SOME[do]]
            assert running["hits"] == len(hit), do
            api.delete("faults", do)
        assert set(seen().values()) == {"200"}
    told = {
        fault: one["tries"][0][1]
        for one in api.get("requests", query="limit=1000")
        for _, fault in one["injected"]
        if fault in REASONS
    }
    assert told == REASONS

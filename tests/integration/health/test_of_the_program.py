"""Checks of a running director: agents over two workers, evidence over a restart, guards, and nginx."""

from __future__ import annotations

import io
import json
import shutil
import signal
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from director.cli.client import UnixConnection
from director.cli.director import main
from tests.integration.conftest import StartDirector
from tests.integration.texts import BASE, pool, service, web
from tests.support import needs
from tests.support.certificates import make
from tests.support.client import fetch
from tests.support.origin import Origin
from tests.support.running import Director, accepts, free_port, wait_until

pytestmark = [pytest.mark.integration, needs.director]

GET = b"GET /x HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"


class Agent(socketserver.BaseRequestHandler):
    """Says the line of its server and closes."""

    def handle(self) -> None:
        self.request.sendall(getattr(self.server, "line", b""))


@contextmanager
def agent(line: bytes) -> Iterator[Any]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Agent) as server:
        server.daemon_threads = True
        server.line = line  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def served(director: Director, origins: dict[str, Origin], count: int = 20) -> set[str]:
    for origin in origins.values():
        origin.forget()
    for _ in range(count):
        fetch(director.place, GET)
    return {name for name, origin in origins.items() if origin.log}


def server_of(director: Director, name: str) -> dict[str, Any]:
    found: dict[str, Any] = director.api("pools", "web", "servers", name)
    return found


def test_an_agent_is_heard_by_all_processes(start: StartDirector) -> None:
    with Origin() as first, Origin() as second, agent(b"100%\n") as one:
        origins = {"a": first, "b": second}
        text = web({name: origin.address for name, origin in origins.items()}, "check = agent")
        text += f"\n[check:agent]\nagent = connect\nport = {one.server_address[1]}\nevery = 200ms\n"
        text = text.replace("check = agent", "check = agent\nserver.c = 127.0.0.2:1 weight=0")
        director = start(text.replace("[director]\n", "[director]\nworkers = 2\n", 1))
        assert wait_until(lambda: served(director, origins) == {"a", "b"}, 20)
        one.line = b"drain 50% # backup\n"
        assert wait_until(lambda: server_of(director, "a")["advice"] == "50% drain", 10)
        shown = server_of(director, "a")
        assert (shown["status"], shown["state"], shown["eligible"]) == ("drained", "ready", False)
        one.line = b"what?\n"
        assert wait_until(
            lambda: director.api("checks", "web", "a")["checks"][0]["results"][-1]["result"] == "unknown", 10
        )
        assert server_of(director, "a")["advice"] == "50% drain", "nonsense changes nothing"
        one.line = b"ready up 100%\n"
        assert wait_until(lambda: served(director, origins) == {"a", "b"}, 20)


def test_evidence_outlives_a_restart(start: StartDirector) -> None:
    dead = f"127.0.0.1:{free_port()}"
    with Origin() as good:
        text = web({"good": good.address, "dead": dead}, "check = alive")
        text += "\n[check:alive]\ntcp = connect\nevery = 200ms\ntimeout = 200ms\nrise = 3\nfall = 2\n"
        director = start(text)
        assert director.finds("down", dead)
        before = director.api("checks", "web", "dead")["checks"][0]["transitions"][-1]
        director.stop()
        director.start()
        after = director.api("checks", "web", "dead")["checks"][0]
        assert after["verdict"] == "down"
        assert after["transitions"][0]["reason"] == before["reason"] == "connect refused"
        assert abs(after["transitions"][0]["time"] - before["time"]) < 0.1
        assert served(director, {"good": good}) == {"good"}


def patch(director: Director, path: str, order: dict[str, object]) -> tuple[int, str]:
    connection = UnixConnection(director.state / "control.sock")
    connection.request("PATCH", path, json.dumps(order), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    said = answer.read().decode()
    connection.close()
    return answer.status, said


def test_a_guard_refuses_and_says_why(start: StartDirector) -> None:
    with Origin() as first, Origin() as second:
        text = web({"a": first.address, "b": second.address})
        text += "\n[guard:one]\npool = web\nready = 1\ndrains = 1\nreason = ask the night shift\n"
        director = start(text)
        path = "/api/v1/pools/web/servers/"
        assert patch(director, path + "a", {"state": "drain"})[0] == 200
        for query in ("", "?dry_run=1"):
            status, said = patch(director, path + "b" + query, {"state": "maint"})
            assert status == 409
            assert "never fewer than 1 are allowed (ask the night shift)" in said
        assert patch(director, path + "a", {"state": "ready"})[0] == 200


NGINX = """
daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{plain};
    location /healthz {{ return 200 "all good"; }} location / {{ return 503; }}
  }}
  server {{
    listen 127.0.0.1:{secure} ssl; ssl_certificate {chain}; ssl_certificate_key {key};
    location / {{ return 200 "secret"; }}
  }}
}}
"""


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """nginx, with TLS by an authority of ours."""
    if shutil.which("nginx") is None:
        pytest.skip("nginx is not installed (apt install nginx-light)")
    folder = tmp_path / "nginx"
    folder.mkdir()
    authority = make(authority=True, subject="our authority")
    made = make("shop.test", issuer=authority)
    chain, key = made.write(folder, "server")
    ca, _ = authority.write(folder, "ca")
    ports = {"plain": free_port(), "secure": free_port()}
    file = folder / "nginx.conf"
    file.write_text(NGINX.format(folder=folder, chain=chain, key=key, **ports), encoding="ascii")
    with subprocess.Popen(
        ["nginx", "-p", str(folder), "-c", str(file)], stderr=subprocess.DEVNULL
    ) as process:
        assert wait_until(lambda: accepts(("127.0.0.1", ports["secure"])), 10)
        yield {**ports, "ca": ca, "process": process}
        process.send_signal(signal.SIGCONT)
        process.terminate()


KINDS = """
[check:http]
http = GET /healthz
expect = status 2xx, body = "all good"
[check:missing]
http = GET /missing
[check:https]
https = GET /
tls.ca = {ca}
tls.name = shop.test
expect = status 200, body *= secret, days > 3
[check:tls]
tls = handshake
tls.ca = {ca}
tls.name = shop.test
[check:stranger]
tls = handshake
tls.name = shop.test
"""


def test_nginx_is_judged_right_and_its_freeze_is_seen(start: StartDirector, nginx: dict[str, Any]) -> None:
    plain, secure = (f"127.0.0.1:{nginx[name]}" for name in ("plain", "secure"))
    of = {"http": plain, "missing": plain, "https": secure, "tls": secure, "stranger": secure}
    often = "every = 500ms\ntimeout = 400ms\n"
    checks = KINDS.format(ca=nginx["ca"]).lstrip().replace("\n[check", f"\n{often}[check")
    text = BASE + "".join(pool(name, {"n": at}, f"check = {name}") for name, at in of.items())
    text += checks + often + service(default="http")
    director = start(text)

    def verdicts() -> dict[str, str]:
        return {one["check"]: one["verdict"] for one in director.api("checks")}

    judged = {"http": "up", "missing": "down", "https": "up", "tls": "up", "stranger": "down"}
    assert wait_until(lambda: verdicts() == judged, 10), director.api("checks")
    said = {one["check"]: one["evidence"] for one in director.api("checks")}
    assert said["missing"] == "status 503, expected 200-399"
    assert "unable to get local issuer certificate" in said["stranger"]
    children = subprocess.run(
        ["pgrep", "-P", str(nginx["process"].pid)], capture_output=True, text=True, check=True
    ).stdout.split()
    frozen = [int(child) for child in children]
    began = time.monotonic()
    for child in frozen:
        subprocess.run(["kill", "-STOP", str(child)], check=True)
    assert wait_until(lambda: verdicts()["http"] == verdicts()["https"] == "down", 20)
    # fall = 3 probes of 400 ms, 500 ms apart; generous, for the machine is busy.
    assert time.monotonic() - began < 15
    for child in frozen:
        subprocess.run(["kill", "-CONT", str(child)], check=True)
    assert wait_until(lambda: verdicts() == judged, 20)


@contextmanager
def redis(folder: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A redis-server that keeps nothing: its address, and its process."""
    port = free_port()
    words = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with subprocess.Popen([*words, *options], stdout=subprocess.DEVNULL) as process:
        assert wait_until(lambda: accepts(("127.0.0.1", port)), 20)
        yield f"127.0.0.1:{port}", process
        process.send_signal(signal.SIGCONT)
        process.terminate()


def probed(director: Director, server: str) -> tuple[int, str]:
    """`director probe`: the exit code, and what the last result says."""
    said = io.StringIO()
    with redirect_stdout(said):
        code = main(["--socket", str(director.state / "control.sock"), "--json", "probe", server])
    return code, json.loads(said.getvalue())["checks"][0]["results"][-1]["reason"]


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="needs redis (apt install redis-server)")
def test_a_real_redis_and_a_check_now(start: StartDirector, tmp_path: Path) -> None:
    with redis(tmp_path) as (plain, process), redis(tmp_path, "--requirepass", "x") as (closed, _):
        text = (
            BASE + pool("plain", {"r": plain}, "check = ping") + pool("closed", {"r": closed}, "check = ping")
        )
        # So seldom that what is found below was asked for.
        text += "\n[check:ping]\nredis = ping\nevery = 10m\ntimeout = 2s\n" + service(default="plain")
        director = start(text)
        assert probed(director, "plain/r") == (0, "PONG")
        assert probed(director, "closed/r") == (0, "it answers, and asks for a password")
        process.send_signal(signal.SIGSTOP)
        assert probed(director, "plain/r") == (1, "no answer within 2s")
        process.send_signal(signal.SIGCONT)
        assert probed(director, "plain/r") == (0, "PONG")
        process.kill()
        process.wait()
        assert probed(director, "plain/r") == (1, "connect refused")

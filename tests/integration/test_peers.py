"""The programs of others, as clients, as servers, and as proxies before and behind."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.texts import BASE, pool
from tests.support import needs, peers
from tests.support.certificates import Made, make
from tests.support.origin import Origin, Send
from tests.support.peers import CLIENT, Ports, curl, tool
from tests.support.running import Director, Program, free_port, wait_until
from tests.support.strict import Message

pytestmark = [pytest.mark.integration, needs.director]

SERVERS = ("haproxy", "nginx", "envoy")


def seen(message: Message) -> list[Send]:
    """Whom the server was told of, and by which version the request came to the director."""
    fields = {name.lower(): value for name, value in message.fields}
    text = fields[b"x-forwarded-for"] + b" " + fields[b"via"]
    return [Send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text) + text)]


def needed(name: str) -> None:
    if tool(name) is None:
        pytest.skip(f"needs {name}")


class Field:
    """The director, with HAProxy, nginx and (where it is installed) Envoy on both sides."""

    def __init__(self, folder: Path, origin: Origin) -> None:
        self.leaf: Made = make("shop.example", "localhost", "127.0.0.1", authority=True)
        pair = folder / "pair.pem"
        pair.write_bytes(self.leaf.chain + self.leaf.key)
        self.director = Director("", folder)
        self.ports = ports = Ports.free(self.director.port)
        self.behind: dict[str, dict[str, int]] = {}
        self.before: dict[str, dict[str, int]] = {}
        self.programs: list[Program] = []
        for name in SERVERS:
            (folder / name).mkdir()
        if tool("haproxy"):
            program, self.behind["haproxy"], self.before["haproxy"] = peers.haproxy(
                folder / "haproxy", pair, ports
            )
            self.programs.append(program)
        if tool("nginx"):
            program, self.behind["nginx"], before = peers.nginx(folder / "nginx", pair, ports)
            self.before["nginx"] = {"h1": before}
            self.programs.append(program)
        if tool("envoy"):
            program, behind, before = peers.envoy(folder / "envoy", ports)
            self.behind["envoy"], self.before["envoy"] = {"h2": behind}, {"h2": before}
            self.programs.append(program)
        self.closed = {name: free_port() for name in ("mixed", "ended", "gone")}
        self.director.write(self._text(pair, origin) + self._closed(folder))

    def _text(self, pair: Path, origin: Origin) -> str:
        ports = self.ports
        tls = "tls = shop\n"
        told = "proxy_protocol = from 127.0.0.0/8\n"
        text = BASE + pool("web", {"s": f"127.0.0.1:{origin.port}"}) + f"\n[cert:shop]\nfile = {pair}\n"
        for name, port, lines in (
            ("clear", ports.clear, "h2c = prior\n"),
            ("secure", ports.secure, tls),
            ("modern", ports.modern, tls + "tls.profile = modern\n"),
            ("told", ports.told, told),
            ("told-secure", ports.told_secure, tls + told),
        ):
            text += f"\n[l7:{name}]\nlisten = 127.0.0.1:{port}\npool = web\n{lines}"
        number = 1
        for peer, places in self.behind.items():
            for way, port in places.items():
                for header in ("v1", "v2") if way == "told" else ("off",):
                    name = f"{peer}-{way}-{header}"
                    lines = f"send_proxy = {header}\n" + "protocol = h2\n" * (way in ("h2", "secure"))
                    if way == "secure":
                        lines += f"tls = on\ntls.ca = {pair}\ntls.name = shop.example\n"
                    text += pool(name, {"s": f"127.0.0.1:{port}"}, lines)
                    text += (
                        f"\n[rule:{number} {name}]\nservice = clear\nwhen = path = /{name}\npool = {name}\n"
                    )
                    number += 1
        return text

    def _closed(self, folder: Path) -> str:
        """Services whose certificates are none: of another key, over, or not there."""
        made = make("shop.example", days=-1)
        (folder / "ended.pem").write_bytes(made.chain + made.key)
        (folder / "mixed.pem").write_bytes(self.leaf.chain + made.key)
        return "".join(
            f"\n[cert:{name}]\nfile = {folder}/{name}.pem\n"
            f"[l7:{name}]\nlisten = 127.0.0.1:{port}\npool = web\ntls = {name}\n"
            for name, port in self.closed.items()
        )

    def url(self, path: str = "/", port: int = 0) -> str:
        """In clear, unless the port is one of TLS."""
        port = port or self.ports.clear
        secure = port in (self.ports.secure, self.ports.modern)
        return f"http{'s' if secure else ''}://127.0.0.1:{port}{path}"


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    folder = tmp_path_factory.mktemp("peers")
    with contextlib.ExitStack() as stack:
        made = Field(folder, stack.enter_context(Origin(seen)))
        for program in (*made.programs, made.director):
            stack.enter_context(program)
        yield made


# --- clients --------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.1", "2"])
@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_curl_speaks_every_version_inside_every_tls(field: Field, version: str, tls: str) -> None:
    told = curl(
        f"--http{version}", f"--tlsv{tls}", "--tls-max", tls, "-w", " %{http_version}",
        "--interface", CLIENT, field.url(port=field.ports.secure),
    )  # fmt: skip
    assert told == f"{CLIENT} {version} scenario {version}"


def s_client(port: int, *words: str, data: str = "") -> str:
    """All that `openssl s_client` says."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "shop.example", *words]
    # What the server says first in HTTP/2 is no text.
    done = subprocess.run(
        command, input=data, capture_output=True, timeout=30, check=False, encoding="utf-8", errors="replace"
    )
    return done.stdout + done.stderr


WEAK = "DEFAULT:@SECLEVEL=0"
"""What this OpenSSL must be told before it offers what is old."""


@pytest.mark.parametrize(
    ("profile", "words", "outcome"),
    [
        ("secure", ["-tls1_3"], "TLSv1.3, Cipher is TLS_"),
        ("secure", ["-tls1_2"], "TLSv1.2, Cipher is ECDHE-ECDSA-"),
        ("secure", ["-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"], "Cipher is ECDHE-ECDSA-CHACHA20"),
        ("secure", ["-tls1_1", "-cipher", WEAK], "alert protocol version"),
        ("secure", ["-tls1", "-cipher", WEAK], "alert protocol version"),
        ("secure", ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"], "alert handshake failure"),
        ("secure", ["-tls1_2", "-cipher", "AES256-GCM-SHA384:@SECLEVEL=0"], "alert handshake failure"),
        ("modern", ["-tls1_3"], "TLSv1.3, Cipher is TLS_"),
        ("modern", ["-tls1_2", "-cipher", WEAK], "alert protocol version"),
        ("secure", ["-alpn", "h2,http/1.1"], "ALPN protocol: h2"),
        ("secure", ["-alpn", "http/1.1"], "ALPN protocol: http/1.1"),
    ],
)
def test_a_profile_is_what_mozilla_says(field: Field, profile: str, words: list[str], outcome: str) -> None:
    """https://wiki.mozilla.org/Security/Server_Side_TLS, guidelines 5.7."""
    assert outcome in s_client(getattr(field.ports, profile), *words)


def test_a_session_goes_on_at_the_worker_that_knows_it(field: Field, tmp_path: Path) -> None:
    """One of several; the others shake hands in full, which no client notices."""
    session = str(tmp_path / "session")
    request = "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n"
    words = ["-tls1_2", "-ign_eof"]
    assert "New, TLSv1.2" in s_client(field.ports.secure, *words, "-sess_out", session, data=request)

    def reused() -> bool:
        said = s_client(field.ports.secure, *words, "-sess_in", session, data=request)
        assert "200 OK" in said
        return "Reused, TLSv1.2" in said

    assert wait_until(reused, 20)
    figures = curl(f"http://127.0.0.1:{field.director.admin}/metrics")
    resumed = figures.split("\ndirector_tls_resumed_total ")[1].split()[0]
    assert float(resumed) >= 1


def test_nghttp_and_h2load_are_served(field: Field) -> None:
    needed("h2load")
    url = field.url(port=field.ports.secure)
    done = subprocess.run(
        ["h2load", "-n", "600", "-c", "6", "-m", "20", "-t", "1", url],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "600 succeeded, 0 failed, 0 errored" in done.stdout
    assert "Application protocol: h2" in done.stdout
    said = subprocess.run(
        ["nghttp", "-nv", "--no-verify-peer", url], capture_output=True, text=True, timeout=30, check=True
    ).stdout
    assert ":status: 200" in said
    assert "END_STREAM" in said


def test_slow_clients_keep_nobody_waiting(field: Field) -> None:
    """Heads that drip, bodies that drip, and answers that are hardly read, all at a time."""
    needed("slowhttptest")
    url = field.url()
    attack = ["slowhttptest", "-c", "150", "-r", "150", "-l", "3", "-i", "1", "-p", "3", "-u", url]
    with contextlib.ExitStack() as stack:
        for kind in (["-H"], ["-B", "-s", "100000"], ["-X", "-w", "10", "-y", "20", "-n", "1", "-z", "1"]):
            stack.enter_context(
                subprocess.Popen([*attack, *kind], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
            )
        end, slowest, asked = time.monotonic() + 2.5, 0.0, 0
        while time.monotonic() < end:
            began = time.monotonic()
            assert curl("--interface", CLIENT, url) == f"{CLIENT} 1.1 scenario"
            slowest = max(slowest, time.monotonic() - began)
            asked += 1
            time.sleep(0.05)
    assert asked > 3
    assert slowest < 2


def test_services_without_a_good_certificate_stay_closed_and_say_so(field: Field) -> None:
    """The others are open, as every other test here shows."""
    figures = curl(f"http://127.0.0.1:{field.director.admin}/metrics")
    for name, port in field.closed.items():
        assert curl(f"https://127.0.0.1:{port}/", fails=True)
        assert f'director_listener_bound{{service="l7:{name}",address="127.0.0.1:{port}"}} 0' in figures
        assert f"service {name} cannot speak TLS" in field.director.log
    address = f"127.0.0.1:{field.ports.secure}"
    assert f'director_listener_bound{{service="l7:secure",address="{address}"}} 1' in figures


# --- servers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("peer", SERVERS[:2])
@pytest.mark.parametrize(
    ("way", "client", "protocol"),
    [
        ("plain-off", "127.0.0.1", "HTTP/1.1"),
        ("told-v1", CLIENT, "HTTP/1.1"),
        ("told-v2", CLIENT, "HTTP/1.1"),
        ("h2-off", "127.0.0.1", "HTTP/2.0"),
        ("secure-off", "127.0.0.1", "HTTP/2.0"),
    ],
)
def test_a_proxy_behind_is_met_as_it_wishes(
    field: Field, peer: str, way: str, client: str, protocol: str
) -> None:
    needed(peer)
    for version in ("--http1.1", "--http2-prior-knowledge"):
        assert curl(version, "--interface", CLIENT, field.url(f"/{peer}-{way}")) == f"{client} {protocol}"


def test_envoy_behind(field: Field) -> None:
    needed("envoy")
    assert curl(field.url("/envoy-h2-off")) == "envoy HTTP/2"


# --- proxies before -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "client", "version"),
    [
        ("h1", "127.0.0.1", "1.1"),
        ("h2c", "127.0.0.1", "2"),
        ("h2", "127.0.0.1", "2"),
        ("v1", CLIENT, "1.1"),
        ("v2", CLIENT, "1.1"),
        ("v2-tls", CLIENT, "1.1"),
    ],
)
def test_haproxy_before(field: Field, way: str, client: str, version: str) -> None:
    """The server is told of the client of whom HAProxy told us."""
    needed("haproxy")
    url = f"http://127.0.0.1:{field.before['haproxy'][way]}/"
    assert curl("--interface", CLIENT, url) == f"{client} {version} scenario"


@pytest.mark.parametrize("path", ["/", "/secure"])
def test_nginx_before(field: Field, path: str) -> None:
    needed("nginx")
    told = curl(f"http://127.0.0.1:{field.before['nginx']['h1']}{path}")
    assert told == f"127.0.0.1 {'1.0' if path == '/secure' else '1.1'} scenario"


def test_envoy_before(field: Field) -> None:
    needed("envoy")
    assert curl(f"http://127.0.0.1:{field.before['envoy']['h2']}/") == "127.0.0.1 2 scenario"

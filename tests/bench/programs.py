"""The programs that are measured, and the origin behind them: how each is configured, started and ended.

The three proxies get the same orders: two rules, one pool of one server, keep-alive to it, `X-Forwarded-For`,
an access log to a file, a health check each two seconds (nginx has passive checks only).  One thread each.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).parents[2]
BIG = 10 * 1024 * 1024
START_SECONDS = 60


class BenchError(Exception):
    """A measurement cannot be made; the text says what to do."""


@frozen
class Ports:
    """Where a program listens: HTTP in clear and in TLS, and where it relays TCP unread."""

    clear: int
    tls: int
    tcp: int


@frozen
class Behind:
    """What stands behind a proxy: the ports of the origin and of the echo; and a certificate with its key."""

    origin: int = 0
    echo: int = 0
    pair: Path = Path()


@frozen
class Program:
    """A running program: its name, the port it listens on, and the process that was started."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    ports: Ports


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing uses just now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
    return port


NOTHING = Behind()
Command = Callable[[Path, Ports, Behind], list[str]]
"""The words that start a program which is configured in a folder."""


def tool(name: str) -> str:
    """The path of a program, also when /usr/sbin is not in PATH."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not found:
        raise BenchError(f"{name} is not installed: run `make bench` as root, or install it")
    return found


NGINX = """
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 19000; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_timeout 600;
    keepalive_requests 100000000;
    sendfile on;
    tcp_nopush on;
{rest}
}}
"""

ORIGIN = """
    access_log off;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        root {folder}/www;
        location = /healthz {{ return 200; }}
    }}
"""

NGINX_PROXY = """
    access_log {folder}/access.log combined buffer=64k;
    upstream web {{ server 127.0.0.1:{origin}; keepalive 256; keepalive_requests 100000000; }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        location /images/ {{ proxy_pass http://web; }}
        location ~ ^/users/([^/]+)/ {{ proxy_pass http://web; }}
        location / {{ proxy_pass http://web; }}
        location /socket {{
            proxy_pass http://127.0.0.1:{echo};
            proxy_set_header Connection upgrade;
            proxy_set_header Upgrade $http_upgrade;
        }}
    }}
    server {{
        listen 127.0.0.1:{tls} ssl http2 backlog=4096;
        ssl_certificate {pair};
        ssl_certificate_key {pair};
        ssl_protocols TLSv1.2 TLSv1.3;
        http2_max_requests 100000000;
        http2_max_concurrent_streams 128;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        location / {{ proxy_pass http://web; }}
    }}
"""

HAPROXY = """
global
    nbthread 1
    log stdout len 1024 format raw daemon
defaults
    mode http
    log global
    option httplog
    option forwardfor
    option http-keep-alive
    http-reuse always
    timeout connect 2s
    timeout client 600s
    timeout server 30s
    timeout http-keep-alive 600s
frontend www
    bind 127.0.0.1:{port} backlog 4096
    bind 127.0.0.1:{tls} backlog 4096 ssl crt {pair} alpn h2,http/1.1 ssl-min-ver TLSv1.2
    acl images_host hdr(host) -i img.example.org
    acl images_path path_beg /images/
    acl users path_reg ^/users/([^/]+)/
    use_backend images if images_host or images_path
    use_backend web if users
    use_backend echo if {{ path /socket }}
    default_backend web
backend echo
    timeout tunnel 600s
    server a 127.0.0.1:{echo}
frontend relay
    mode tcp
    option tcplog
    bind 127.0.0.1:{tcp} backlog 4096
    default_backend relayed
backend relayed
    mode tcp
    server a 127.0.0.1:{origin}
backend web
    balance leastconn
    option httpchk GET /healthz
    server a 127.0.0.1:{origin} check inter 2s fall 3 rise 2
backend images
    balance leastconn
    option httpchk GET /healthz
    server a 127.0.0.1:{origin} check inter 2s fall 3 rise 2
"""

DIRECTOR = """
[director]
name = bench
workers = 0
state_dir = {folder}/var
log = text

[admin]
listen = 127.0.0.1:{admin}

[check:alive]
http = GET /healthz
expect = status 200-299
every = 2s
timeout = 1s
rise = 2
fall = 3

[pool:web]
scheduler = wlc
server.a = 127.0.0.1:{origin}
check = alive

[pool:images]
scheduler = wlc
server.a = 127.0.0.1:{origin}
check = alive

[pool:echo]
server.a = 127.0.0.1:{echo}

[cert:bench]
file = {pair}

[l7:relay]
listen = 127.0.0.1:{tcp}
protocol = tcp
pool = web

[l7:www]
listen = 127.0.0.1:{port}, 127.0.0.1:{tls} tls
tls = bench
protocol = http
pool = web
timeout.keepalive = 600s
forwarded = x-forwarded-for

[rule:100 images]
service = www
when = host = img.example.org or path ^= /images/
pool = images

[rule:150 sockets]
service = www
when = path = /socket
pool = echo

[rule:200 users]
service = www
when = path ~ ^/users/([^/]+)/
pool = web
"""


def _nginx(folder: Path, rest: str, **values: object) -> list[str]:
    user = "user root;" if os.geteuid() == 0 else ""
    config = folder / "nginx.conf"
    inner = rest.format(folder=folder, **values)
    config.write_text(NGINX.format(folder=folder, user=user, rest=inner), encoding="utf-8")
    return [tool("nginx"), "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(config)]


def origin_command(folder: Path, ports: Ports, _behind: Behind) -> list[str]:
    """Nginx with a file of 100 bytes and one of 10 MB."""
    www = folder / "www"
    www.mkdir()
    (www / "small.txt").write_bytes(b"director\n" * 11 + b"\n")
    (www / "big.bin").write_bytes(os.urandom(1024 * 1024) * (BIG // 1024 // 1024))
    return _nginx(folder, ORIGIN, port=ports.clear)


def _places(ports: Ports, behind: Behind) -> dict[str, object]:
    """What a configuration is filled in with."""
    return {
        "port": ports.clear,
        "tls": ports.tls,
        "tcp": ports.tcp,
        "origin": behind.origin,
        "echo": behind.echo,
        "pair": behind.pair,
    }


def nginx_command(folder: Path, ports: Ports, behind: Behind) -> list[str]:
    """Nginx as a proxy; it relays no TCP, which would be another module."""
    return _nginx(folder, NGINX_PROXY, **_places(ports, behind))


def haproxy_command(folder: Path, ports: Ports, behind: Behind) -> list[str]:
    """HAProxy in the foreground; its log goes to its standard output, which is a file."""
    config = folder / "haproxy.cfg"
    config.write_text(HAPROXY.format(**_places(ports, behind)), encoding="utf-8")
    return [tool("haproxy"), "-db", "-f", str(config)]


def director_command(python: str) -> Command:
    """The director under the interpreter `python`, which has it and Twisted installed."""

    def command(folder: Path, ports: Ports, behind: Behind) -> list[str]:
        config = folder / "director.ini"
        text = DIRECTOR.format(folder=folder, admin=free_port(), **_places(ports, behind))
        config.write_text(text, encoding="utf-8")
        twistd = Path(python).parent / "twistd"
        return [python, str(twistd), "--nodaemon", "--pidfile=", "director", "-c", str(config)]

    return command


def echo_command(folder: Path, ports: Ports, _behind: Behind) -> list[str]:
    """The server behind WebSockets."""
    return [sys.executable, "-m", "tests.bench.sockets", str(ports.clear)]


def interpreter(python: str | None) -> str:
    """The interpreter to run the director with.

    None is the one we run under; another gets an environment of its own below build/, made once.
    """
    if python is None:
        return sys.executable
    ask = "import platform, sys; print(platform.python_version() + sys.executable.replace('/', '-'))"
    done = subprocess.run([python, "-c", ask], stdout=subprocess.PIPE, text=True, check=True)
    folder = ROOT / "build" / f"bench-{done.stdout.strip()}"
    found = folder / "bin" / "python"
    if not (folder / ".ready").exists():
        subprocess.run([str(ROOT / ".ci" / "venv"), python, str(folder)], check=True)
        install = [str(found), "-m", "pip", "install", "--quiet", "--config-settings", "editable_mode=compat"]
        subprocess.run([*install, "--editable", str(ROOT)], check=True)
        (folder / ".ready").touch()
    return str(found)


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/small.txt")
        answer = connection.getresponse()
        return answer.status == 200 and len(answer.read()) > 0
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _wait(program: Program, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while not _answers(program.port):
        if program.process.poll() is not None or time.monotonic() > end:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
            raise BenchError(
                f"{program.name} does not answer on port {program.port}; its last words:\n{tail}"
            )
        time.sleep(0.05)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def running(name: str, command: Command, folder: Path, behind: Behind = NOTHING) -> Iterator[Program]:
    """Start a program in a folder of its own below `folder`, wait until it answers; always end it."""
    place = folder / f"{name}-{len(list(folder.iterdir()))}"
    place.mkdir()
    ports = Ports(free_port(), free_port(), free_port())
    log = place / "output.log"
    with log.open("wb") as output:
        words = command(place, ports, behind)
        process = subprocess.Popen(words, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    try:
        program = Program(name, ports.clear, process, ports)
        _wait(program, log)
        yield program
    finally:
        _end(process)

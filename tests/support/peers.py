"""Programs of others beside the director: proxies before and behind it.

Each proxy behind says what it got: `ADDRESS PROTOCOL`, the client's address as a PROXY header told it, and
the version of HTTP that its connection spoke.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from attrs import frozen

from tests.support.running import Program, free_port

CLIENT = "127.0.0.9"
"""Whence a client comes of whom servers are told."""
SEARCHED = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", str(Path(sys.executable).parent)))


def tool(name: str) -> str | None:
    """The path of a program, in /usr/sbin and beside the interpreter, too."""
    return shutil.which(name, path=SEARCHED)


@frozen
class Ports:
    """Where the director listens: in clear, in TLS of both profiles, and behind PROXY headers in either."""

    clear: int
    secure: int
    modern: int
    told: int
    told_secure: int

    @classmethod
    def free(cls, clear: int) -> Ports:
        """`clear` is the service that every scenario has."""
        return cls(clear, *(free_port() for _ in range(4)))


HAPROXY = """
global
    nbthread 1
defaults
    mode http
    timeout connect 5s
    timeout client 20s
    timeout server 20s
frontend plain
    bind 127.0.0.1:{plain}
    http-request return status 200 content-type text/plain lf-string "%ci %HV"
frontend told
    bind 127.0.0.1:{told} accept-proxy
    http-request return status 200 content-type text/plain lf-string "%ci %HV"
frontend h2
    bind 127.0.0.1:{h2} proto h2
    http-request return status 200 content-type text/plain lf-string "%ci %HV"
frontend secure
    bind 127.0.0.1:{secure} ssl crt {pair} alpn h2,http/1.1
    http-request return status 200 content-type text/plain lf-string "%ci %HV"
{fronts}
"""
FRONT = """
frontend to-{name}
    bind 127.0.0.1:{port}
    default_backend {name}
backend {name}
    server d 127.0.0.1:{target} {how}
"""
WAYS_BEFORE = {
    "h1": ("clear", ""),
    "h2c": ("clear", "proto h2"),
    "h2": ("secure", "ssl verify none alpn h2 sni str(shop.example)"),
    "v1": ("told", "send-proxy"),
    "v2": ("told", "send-proxy-v2"),
    "v2-tls": ("told_secure", "send-proxy-v2 ssl verify none sni str(shop.example)"),
}
"""How HAProxy stands before the director: to which of its ports, and in what way."""


def haproxy(folder: Path, pair: Path, ports: Ports) -> tuple[Program, dict[str, int], dict[str, int]]:
    """HAProxy on both sides; its ports behind the director, and those before it."""
    behind = {name: free_port() for name in ("plain", "told", "h2", "secure")}
    before = {name: free_port() for name in WAYS_BEFORE}
    fronts = "".join(
        FRONT.format(name=name, port=before[name], target=getattr(ports, target), how=how)
        for name, (target, how) in WAYS_BEFORE.items()
    )
    file = folder / "haproxy.cfg"
    file.write_text(HAPROXY.format(pair=pair, fronts=fronts, **behind), encoding="utf-8")
    places = [("127.0.0.1", port) for port in behind.values()]
    return Program([tool("haproxy") or "", "-db", "-f", str(file)], folder, places), behind, before


NGINX = """
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 200; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{plain}; return 200 "$remote_addr $server_protocol"; }}
    server {{ listen 127.0.0.1:{told} proxy_protocol; return 200 "$proxy_protocol_addr $server_protocol"; }}
    server {{ listen 127.0.0.1:{h2} http2; return 200 "$remote_addr $server_protocol"; }}
    server {{
        listen 127.0.0.1:{secure} ssl http2;
        ssl_certificate {pair};
        ssl_certificate_key {pair};
        return 200 "$remote_addr $server_protocol";
    }}
    server {{
        listen 127.0.0.1:{before};
        location / {{ proxy_pass http://127.0.0.1:{clear}; proxy_http_version 1.1; }}
        location /secure {{
            proxy_pass https://127.0.0.1:{director};
            proxy_ssl_server_name on;
            proxy_ssl_name shop.example;
        }}
    }}
}}
"""


def nginx(folder: Path, pair: Path, ports: Ports) -> tuple[Program, dict[str, int], int]:
    """Nginx on both sides; its ports behind the director, and the one before it."""
    behind = {name: free_port() for name in ("plain", "told", "h2", "secure")}
    before = free_port()
    file = folder / "nginx.conf"
    text = NGINX.format(
        folder=folder,
        pair=pair,
        user="user root;" if os.geteuid() == 0 else "",
        before=before,
        clear=ports.clear,
        director=ports.secure,
        **behind,
    )
    file.write_text(text, encoding="utf-8")
    words = [tool("nginx") or "", "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(file)]
    return (
        Program(words, folder, [("127.0.0.1", port) for port in (*behind.values(), before)]),
        behind,
        before,
    )


ENVOY_MANAGER = (
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
)
ENVOY = """
static_resources:
  listeners:
  - name: behind
    address: {{socket_address: {{address: 127.0.0.1, port_value: {behind}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": {manager}
          stat_prefix: behind
          codec_type: HTTP2
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {{prefix: /}}
                direct_response: {{status: 200, body: {{inline_string: "envoy HTTP/2"}}}}
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
  - name: before
    address: {{socket_address: {{address: 127.0.0.1, port_value: {before}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": {manager}
          stat_prefix: before
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes: [{{match: {{prefix: /}}, route: {{cluster: director}}}}]
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
  clusters:
  - name: director
    connect_timeout: 5s
    load_assignment:
      cluster_name: director
      endpoints:
      - lb_endpoints:
        - endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {director}}}}}}}
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {{http2_protocol_options: {{}}}}
    transport_socket:
      name: envoy.transport_sockets.tls
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
        sni: shop.example
"""


def envoy(folder: Path, ports: Ports) -> tuple[Program, int, int]:
    """Envoy on both sides, with HTTP/2 to the director in TLS; its port behind it, and the one before it."""
    behind, before = free_port(), free_port()
    file = folder / "envoy.yaml"
    text = ENVOY.format(behind=behind, before=before, director=ports.secure, manager=ENVOY_MANAGER)
    file.write_text(text, encoding="utf-8")
    words = [
        tool("envoy") or "",
        "-c",
        str(file),
        "--concurrency",
        "1",
        "-l",
        "error",
        "--base-id",
        str(before),
    ]
    return Program(words, folder, [("127.0.0.1", behind), ("127.0.0.1", before)]), behind, before


def curl(*arguments: str, fails: bool = False) -> str:
    """What curl prints; with `fails` what it complains of."""
    command = ["curl", "-sS", "-k", "-m", "20", "--noproxy", "*", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode != 0) is fails, (command, done.stdout, done.stderr)
    return done.stderr if fails else done.stdout

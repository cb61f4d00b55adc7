"""Real probes against real sockets on loopback: answers, refusals, hangs, names and unix sockets."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

TALKERS = ("http", "grpc", "redis", "postgres", "mysql", "smtp", "script")
PROGRAM = Path(__file__).with_name("probing.py")


@pytest.mark.integration
def test_real_servers_are_judged_right(tmp_path: Path) -> None:
    """In a process of its own, because a reactor runs once."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        done = subprocess.run(
            [sys.executable, str(PROGRAM), str(tmp_path / "x.sock"), str(unused.getsockname()[1])],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            cwd=Path(__file__).parents[3],
            env={"PYTHONPATH": str(Path(__file__).parents[3])},
        )
    assert done.stderr == ""
    assert dict(line.split(" = ") for line in done.stdout.splitlines()) == {
        "good": "True status 200",
        "bad": "False status 503, expected 200-299",
        "big": "True status 200",
        "unix": "True connected",
        "name": "True connected",
        "refused": "False connect refused",
        "hangs": "False no answer within 0.5s",
        "nosocket": "False there is no such unix socket",
        "redis": "True PONG",
        "loads": "False it says 'LOADING x'",
        "postgres": "True it asks who we are",
        "mysql": "True version '8.0.36'",
        "smtp": "True it says '220 x'",
        "busy": "False it says '421 x'",
        "pop": "True all came that was expected",
        "mute": "False no answer within 0.5s",
        "udp": "True it answers 'ping'",
        "closed": "False port unreachable",
        "silent": "False no answer within 0.5s",
        "dns": "True 1 record",
        "byname": "True 1 record",
        "echoes": "False no answer within 0.5s",
        "nxdomain": "False it answers no such name",
        "port": "True connected",
        "program": "True exit 0: '7'",
        "sleeps": "False no answer within 0.5s",
        "secure": "True TLSv1.3, the certificate lasts 30.0 days",
        "othername": "False TLS: the server's certificate is not for shop.test",
        "ended": "False TLS: certificate verify failed: certificate has expired",
        "endssoon": "False TLS: the certificate lasts 3.0 days, expected 14",
        "notls": "False TLS: the server answers in clear text",
        "stalls": "False no TLS handshake within 0.5s",
        "https": "True status 200",
        "https503": "False status 503, expected 200-299",
        "grpc": "True SERVING",
        "grpcnone": "False grpc-status NOT_FOUND: ''",
        "nogrpc": "False it does not speak HTTP/2: 'HTTP/1.1 200 OK????fine'",
        "agent": "True it says 50%",
        "agentdown": "False it says down: 'full'",
        "agentlies": "None 'http/1.1' is not understood in 'HTTP/1.1 200 OK'",
        "agentmute": "None no answer within 0.5s",
        "agentfloods": "None it says more than 1024 octets: '7777777777777777777777777777777777777777'…",
        "full": "False connect timed out within 0.5s",
        "ends": "False exit 3",
        "floods": "False no answer within 0.5s",
        "lacks": "None not probed: /no/such cannot be started: No such file or directory",
        **dict.fromkeys((f"mute {kind}" for kind in TALKERS), "False no answer within 0.5s"),
        **dict.fromkeys(("mute https", "mute tls"), "False no TLS handshake within 0.5s"),
        **dict.fromkeys(("half https", "half tls"), "False TLS: the connection was closed in the handshake"),
        **dict.fromkeys(("half http", "half grpc"), "False an incomplete answer"),
        "half redis": "False the connection was closed without an answer: '+PO'",
        "half postgres": "False the connection was closed without an answer: 'E??'",
        "half mysql": "False the connection was closed without an answer: 'J????8.0'",
        "half smtp": "False the connection was closed without an answer: '22'",
        "half script": "False closed before '+OK'; '+O' came",
        # What an agent does not say, or not wholly, is no word about its server.
        "half agent": "None '75' is not understood in '75'",
        "mute agent": "None no answer within 0.5s",
    }

"""The web server of the lab: `python -m director.demo.lab_server NAME PORT`; it says what it saw.

`GET /` answers one JSON object: the server's name, the client's address and the address that
the client's connection came to, as the server's own socket sees them.  `GET /bytes/N` answers
N bytes made from the name, for transfers that are compared.
"""

from __future__ import annotations

import hashlib
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MOST = 1 << 30
_PIECE = 1 << 16


def content(size: int) -> bytes:
    """The first `size` bytes of what `/bytes/N` answers; the same from every server."""
    seed = hashlib.sha512(b"lab").digest() * (_PIECE // 64)
    return (seed * (size // _PIECE + 1))[:size]


class AnswerServer(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    name = ""

    def do_GET(self) -> None:
        """Answer with what was seen, or with bytes."""
        if self.path.startswith("/bytes/") and self.path[7:].isdecimal() and int(self.path[7:]) <= MOST:
            self._reply(content(int(self.path[7:])), "application/octet-stream")
            return
        local = self.connection.getsockname()
        seen = {
            "server": self.name,
            "from": f"{self.client_address[0]}:{self.client_address[1]}",
            "to": f"{local[0]}:{local[1]}",
        }
        self._reply(json.dumps(seen).encode() + b"\n", "application/json")

    def log_message(self, *_arguments: object) -> None:
        """The lab prints its own table."""

    def _reply(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main(name: str, port: int) -> None:
    """Serve until ended."""
    AnswerServer.name = name
    with ThreadingHTTPServer(("", port), AnswerServer) as server:
        server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

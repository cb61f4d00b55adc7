"""A small FTP server for the tests: `wire_judge_ftp.py ADDRESS`, one client at a time, port 21.

It announces its own address, as a server that knows nothing of a director does, and opens active data
connections from port 20.  What is uploaded can be downloaded.
"""

from __future__ import annotations

import contextlib
import re
import socket
import sys

FILES: dict[str, bytes] = {"hello": b"hello from a file\n" * 5000}


class Session:
    """One control connection."""

    def __init__(self, control: socket.socket, own: str) -> None:
        self.control, self.own = control, own
        self.passive: socket.socket | None = None
        self.active: tuple[str, int] | None = None

    def say(self, text: str) -> None:
        self.control.sendall(text.encode() + b"\r\n")

    def serve(self) -> None:
        self.say("220 ready")
        for line in self.control.makefile("r", newline="\r\n"):
            word, _, rest = line.rstrip("\r\n").partition(" ")
            if word.upper() == "QUIT":
                self.say("221 bye")
                return
            getattr(self, f"do_{word.lower()}", self.unknown)(rest)

    def unknown(self, _rest: str) -> None:
        self.say("502 no")

    def do_user(self, _rest: str) -> None:
        self.say("331 password?")

    def do_pass(self, _rest: str) -> None:
        self.say("230 in")

    def do_pwd(self, _rest: str) -> None:
        self.say('257 "/"')

    def do_type(self, _rest: str) -> None:
        self.say("200 fine")

    def listen(self) -> int:
        family = socket.AF_INET6 if ":" in self.own else socket.AF_INET
        self.passive = socket.create_server((self.own, 0), family=family)
        return int(self.passive.getsockname()[1])

    def do_pasv(self, _rest: str) -> None:
        port = self.listen()
        host = self.own.replace(".", ",")
        self.say(f"227 Entering Passive Mode ({host},{port >> 8},{port & 255})")

    def do_epsv(self, _rest: str) -> None:
        self.say(f"229 Extended Passive (|||{self.listen()}|)")

    def do_port(self, rest: str) -> None:
        words = rest.split(",")
        self.active = (".".join(words[:4]), int(words[4]) << 8 | int(words[5]))
        self.say("200 fine")

    def do_eprt(self, rest: str) -> None:
        found = re.fullmatch(r"\|[12]\|(.*)\|(\d+)\|", rest)
        assert found is not None
        self.active = (found[1], int(found[2]))
        self.say("200 fine")

    def data(self) -> socket.socket:
        self.say("150 here it comes")
        if self.passive is not None:
            connection = self.passive.accept()[0]
            self.passive.close()
            self.passive = None
            return connection
        assert self.active is not None
        family = socket.AF_INET6 if ":" in self.own else socket.AF_INET
        sock = socket.socket(family)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((self.own, 20))
        sock.settimeout(5)
        sock.connect(self.active)
        return sock

    def do_size(self, rest: str) -> None:
        self.say(f"213 {len(FILES[rest.lstrip('/')])}")

    def do_retr(self, rest: str) -> None:
        with self.data() as data:
            data.sendall(FILES[rest.lstrip("/")])
        self.say("226 done")

    def do_stor(self, rest: str) -> None:
        with self.data() as data:
            FILES[rest.lstrip("/")] = b"".join(iter(lambda: data.recv(65536), b""))
        self.say("226 done")


def main(own: str) -> None:
    family = socket.AF_INET6 if ":" in own else socket.AF_INET
    with socket.create_server((own, 21), family=family) as server:
        while True:
            connection, _peer = server.accept()
            with connection, contextlib.suppress(OSError):
                Session(connection, own).serve()


if __name__ == "__main__":
    main(sys.argv[1])

"""Hand-made packets in, packets out: a director between two wires whose ends the test holds itself.

No host stands at either end: the test sends and records whole Ethernet frames with packet sockets of its
own, so nothing is answered, repaired or completed behind its back.  Clients are 10.0.0.2 to 10.0.0.9 (and
some of other networks, by a gateway), servers 172.16.0.2 to 172.16.0.9, all known to the director by
fixed neighbour entries; `fd00:10::N` and `fd00:16::N` are their IPv6 twins.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from director.cli.client import UnixConnection
from director.demo.lab import twistd
from director.demo.netns import Namespaces, command, inside
from tests.integration.l4.bed import SOURCES, Process, skip_without_root, wait_for
from tests.support.running import with_workers

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.layers.inet import IP, TCP, UDP, IPerror  # noqa: E402
from scapy.layers.inet6 import IPerror6, IPv6  # noqa: E402
from scapy.layers.l2 import Ether  # noqa: E402
from scapy.packet import Packet, Raw  # noqa: E402

HOSTS = range(2, 10)
QUIET = 0.08
"""Seconds of silence after which nothing more is expected."""
PATIENCE = 5.0
"""Seconds a packet may take on a busy machine."""

RELOADED = "reloaded: generation "

_KINDS = (b"\x08\x00", b"\x86\xdd", b"\x81\x00")


class Wire:
    """One end of a veth pair without a host: what is put in, and what comes out."""

    def __init__(self, namespace: str, device: str) -> None:
        with inside(namespace):
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        sock.setsockopt(263, 8, 1)  # SOL_PACKET, PACKET_AUXDATA: the VLAN tag stands there
        sock.bind((device, 0))
        sock.setblocking(False)
        self.sock = sock
        self.mac = sock.getsockname()[4]
        self.peer = b""

    def close(self) -> None:
        self.sock.close()

    def put(self, *packets: Packet | bytes, tag: bytes = b"") -> None:
        """Send IP packets (scapy's, or raw bytes of one) to the director's end of the wire."""
        for packet in packets:
            body = bytes(packet)
            kind = b"\x86\xdd" if body[0] >> 4 == 6 else b"\x08\x00"
            self.sock.send(self.peer + self.mac + tag + kind + body)

    def raw(self, frame: bytes) -> None:
        self.sock.send(frame)

    def frames(self, patience: float = QUIET, count: int = 0) -> list[bytes]:
        """Every IP frame that comes (sent by the director) until it is quiet, or `count` of them."""
        found: list[bytes] = []
        deadline = time.monotonic() + patience
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([self.sock], [], [], left)[0]:
                break
            frame, extra, _flags, address = self.sock.recvmsg(1 << 17, 256)
            if address[2] == socket.PACKET_OUTGOING or frame[12:14] not in _KINDS:
                continue
            if frame[0] & 1 or (frame[12:14] == b"\x86\xdd" and frame[20] == 58 and frame[54] >= 130):
                continue  # neighbour discovery and the like
            for _level, kind, data in extra:
                status, tci = int.from_bytes(data[:4], "little"), int.from_bytes(data[16:18], "little")
                if kind == 8 and status & 0x10:
                    frame = frame[:12] + b"\x81\x00" + tci.to_bytes(2, "big") + frame[12:]
            found.append(frame)
            if count and len(found) >= count:
                break
        return found

    def get(self, patience: float = PATIENCE) -> bytes:
        """The next frame; fails when none comes."""
        found = self.frames(patience, 1)
        assert found, "nothing came"
        return found[0]

    def ip(self, patience: float = PATIENCE) -> Packet:
        """The IP packet of the next frame."""
        return parsed(self.get(patience))

    def drain(self) -> None:
        """Forget what has come."""
        while self.frames(0.005):
            pass


def parsed(frame: bytes) -> Packet:
    """The IP packet in a frame; checksums stand as they came."""
    return Ether(frame).payload


def rebuilt(packet: Packet) -> bytes:
    """The bytes of `packet` with every checksum but a quoted packet's computed anew by scapy."""
    fresh = packet.copy()
    for layer in fresh.iterpayloads():
        if isinstance(layer, IPerror | IPerror6):
            break
        for name in ("chksum", "cksum"):
            if name in layer.fields:
                layer.delfieldval(name)
    return bytes(fresh)


def right(packet: Packet) -> bool:
    """Every checksum of `packet` is what scapy computes."""
    return bytes(packet) == rebuilt(packet)


def syn(source: str, sport: int, to: str, dport: int, flags: str = "S", **fields: Any) -> Packet:
    """A TCP packet; `fields` go to the IP header."""
    make = IPv6 if ":" in to else IP
    return make(src=source, dst=to, **fields) / TCP(sport=sport, dport=dport, flags=flags, seq=1000)


class Judged:
    """A director as an operator starts it, between two `Wire`s."""

    def __init__(self, net: Namespaces, place: Path) -> None:
        self.net, self.place = net, place
        self.here, left, right_end = net.add("d"), net.add("c"), net.add("s")
        net.link(left, "c0", self.here, "d0")
        net.link(self.here, "d1", right_end, "s0")
        for end, device in ((left, "c0"), (right_end, "s0")):
            net.run(end, "sysctl", "-qw", f"net.ipv6.conf.{device}.disable_ipv6=1")
        self.client, self.server = Wire(left, "c0"), Wire(right_end, "s0")
        links = {one["ifname"]: one for one in json.loads(net.run(self.here, "ip", "-j", "link", "show"))}
        self.client.peer, self.server.peer = (
            bytes.fromhex(links[device]["address"].replace(":", "")) for device in ("d0", "d1")
        )
        for device, address in (
            ("d0", "10.0.0.1/24"), ("d0", "fd00:10::1/64"), ("d1", "172.16.0.1/24"), ("d1", "fd00:16::1/64"),
        ):  # fmt: skip
            net.address(self.here, device, address)
        self.neighbours()
        net.run(self.here, "ip", "route", "add", "203.0.113.0/24", "via", "10.0.0.9")
        net.run(self.here, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        self.process: Process | None = None
        self.ini = place / "director.ini"
        self.state = place / "state"

    def neighbours(self) -> None:
        """Who stands at the ends of the wires."""
        lines = []
        for device, wire, four, six in (
            ("d0", self.client, "10.0.0.", "fd00:10::"), ("d1", self.server, "172.16.0.", "fd00:16::"),
        ):  # fmt: skip
            mac = wire.mac.hex(":")
            hosts = [f"{prefix}{n}" for prefix in (four, six) for n in HOSTS]
            lines += [f"neigh replace {host} lladdr {mac} dev {device}" for host in hosts]
        with inside(self.here):
            command(["ip", "-batch", "-"], stdin="\n".join(lines) + "\n")

    def start(self, text: str = "", prefix: tuple[str, ...] = ()) -> None:
        """Run the program on `text` (or on what is written already) until it answers."""
        if text:
            self.write(text)
        env = {"PYTHONPATH": str(SOURCES)}
        self.process = self.net.start(self.here, *prefix, *twistd(self.ini), log=self.place / "log", env=env)
        wait_for(self._answers, 20)
        wait_for(lambda: "not captured yet" not in self.readyz()[1], 10)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log
        try:
            return self.api("GET", "generations")[0] == 200
        except OSError:
            return False

    def addresses(self) -> str:
        return self.net.run(self.here, "ip", "-o", "address", "show")

    def tables(self) -> str:
        return self.net.run(self.here, "nft", "list", "ruleset")

    def write(self, text: str) -> None:
        self.state.mkdir(exist_ok=True)
        self.ini.write_text(with_workers(text))

    def reload(self, text: str) -> None:
        """As an operator does: the file, then SIGHUP; returns when it is answered, and waits for no more."""
        assert self.process is not None
        self.write(text)
        answered = self.answered()
        self.process.send_signal(signal.SIGHUP)
        wait_for(answered, 10, every=0.002)

    def answered(self) -> Callable[[], bool]:
        """Says whether a reload that is asked for from now on is answered."""
        before = self.log.count(RELOADED)
        return lambda: self.log.count(RELOADED) > before

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        assert self.process.wait(15) == 0, self.log

    @property
    def log(self) -> str:
        path = self.place / "log"
        return path.read_text() if path.exists() else ""

    def api(self, method: str, path: str, order: Any = None) -> tuple[int, Any]:
        """Ask the REST API over the control socket."""
        status, body = self.http(method, "/api/v1/" + path, order)
        return status, json.loads(body) if body else None

    def readyz(self) -> tuple[int, str]:
        return self.http("GET", "/readyz")

    def http(self, method: str, target: str, order: Any = None) -> tuple[int, str]:
        connection = UnixConnection(self.state / "control.sock")
        try:
            body = None if order is None else json.dumps(order)
            connection.request(method, target, body, {"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error
        finally:
            connection.close()

    def ctl(self, *words: str) -> str:
        """`director WORDS`."""
        program = "import sys; from director.cli.director import main; sys.exit(main())"
        return self.python_out("-c", program, *words, "--socket", str(self.state / "control.sock"))

    def python_out(self, *argv: str) -> str:
        return self.net.run(self.here, "env", f"PYTHONPATH={SOURCES}", twistd(self.ini)[0], *argv)

    def service(self, name: str) -> Any:
        return self.api("GET", f"services/{name}")[1]

    def drain_wires(self) -> None:
        self.client.drain()
        self.server.drain()

    def close(self) -> None:
        self.client.close()
        self.server.close()


@contextlib.contextmanager
def judged(place: Path, prefix: str = "dirjudge") -> Iterator[Judged]:
    """The two wires and the namespaces, taken down whatever happens."""
    skip_without_root()
    with Namespaces(prefix) as net:
        bed = Judged(net, place)
        try:
            yield bed
        finally:
            bed.close()


@contextlib.contextmanager
def directed(place: Path, text: str, prefix: str = "dirrows") -> Iterator[Judged]:
    """The whole program running on `text`; it must end cleanly and leave nothing behind."""
    with judged(place, prefix) as bed:
        bed.start(text)
        yield bed
        assert "Traceback" not in bed.log, bed.log
        bed.stop()
        assert "director-" not in bed.tables()
        assert "198.51.100" not in bed.addresses()


def hear(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until it holds."""
    wait_for(condition, seconds)


def payload(packet: Packet) -> bytes:
    """What the packet carries behind TCP or UDP, whatever scapy takes it for by its ports."""
    carrier = packet.getlayer(TCP) or packet.getlayer(UDP)
    return bytes(carrier.payload) if carrier is not None else bytes(packet.getlayer(Raw) or b"")

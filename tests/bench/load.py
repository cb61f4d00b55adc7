"""The load: wrk for requests, plain sockets for idle connections."""

from __future__ import annotations

import re
import resource
import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from attrs import frozen
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import StreamEnded

from tests.bench.figures import cpu_seconds, resident_bytes
from tests.bench.programs import BenchError, Program, tool
from tests.bench.sockets import echoed

# wrk's own summary, as one line that can be read back.  `delay` makes a connection think for a while
# after each answer (milliseconds, uniform around the mean), which turns wrk's closed loop into a steady rate.
# With `fresh` every request asks for another URL.
SCRIPT = """
local think, fresh, number = {think}, {fresh}, 0
if fresh then
    request = function()
        number = number + 1
        return wrk.format("GET", wrk.path .. "?" .. number)
    end
end
if think > 0 then
    delay = function() return math.random(0, 2 * think) end
end
done = function(summary, latency)
    local bad = summary.errors
    io.write(string.format("FIGURES %d %d %d %d %d %d\\n", summary.requests, summary.duration, summary.bytes,
        latency:percentile(99), bad.status, bad.connect + bad.read + bad.write + bad.timeout))
end
"""


@frozen
class Run:
    """One run of wrk: `p99` in seconds, `cpu` the proxy's processor time in seconds, `octets` with heads."""

    requests: int
    seconds: float
    octets: int
    p99: float
    cpu: float

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


def read_figures(output: str, cpu: float) -> Run:
    """What `SCRIPT` printed.  Raises BenchError when there was a bad answer or a broken connection."""
    for line in output.splitlines():
        if line.startswith("FIGURES "):
            requests, micros, octets, p99, bad, broken = map(int, line.split()[1:])
            if bad or broken or not requests:
                raise BenchError(f"{bad} bad answers, {broken} broken connections of {requests} requests")
            return Run(requests, micros / 1e6, octets, p99 / 1e6, cpu)
    raise BenchError(f"wrk said nothing that can be read:\n{output}")


def wrk(
    program: Program,
    target: str,
    seconds: float,
    folder: Path,
    *,
    connections: int = 64,
    think: int = 0,
    close: bool = False,
    fresh: bool = False,
    tls: bool = False,
) -> Run:
    """Load a proxy with wrk, one thread; with `tls` inside of it, in HTTP/1.

    `think` is the mean pause of a connection in milliseconds; `close` makes a connection for each request,
    `fresh` asks for another URL each time.
    """
    script = folder / f"{'fresh' if fresh else 'think'}-{think}.lua"
    script.write_text(SCRIPT.format(think=think, fresh=str(fresh).lower()), encoding="utf-8")
    command = [tool("wrk"), "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "10s"]
    place = f"https://127.0.0.1:{program.ports.tls}" if tls else f"http://127.0.0.1:{program.port}"
    command += ["-s", str(script), place + target]
    command += ["-H", "Connection: close"] if close else []
    before = cpu_seconds(program.process.pid)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    try:
        return read_figures(done.stdout, cpu_seconds(program.process.pid) - before)
    except BenchError as error:
        raise BenchError(f"{program.name}, {target}: {error}") from error


@frozen
class Count:
    """How often something was done in so many `seconds`, and the proxy's processor time for it."""

    number: int
    seconds: float
    cpu: float


def handshakes(program: Program, seconds: float, *, reuse: bool) -> Count:
    """TLS 1.3: a connection and a request each, in turn, which resume the last session or none."""
    context = _trusting("http/1.1")
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    session: ssl.SSLSession | None = None
    number = resumed = 0
    before, began = cpu_seconds(program.process.pid), time.monotonic()
    while (took := time.monotonic() - began) < seconds:
        with socket.create_connection(("127.0.0.1", program.ports.tls), timeout=10) as plain:
            sock = context.wrap_socket(plain, session=session if reuse else None)
            with sock:
                sock.sendall(REQUEST)
                if not sock.recv(65536).startswith(b"HTTP/1.1 200"):
                    raise BenchError(f"{program.name}: no 200 behind a handshake")
                resumed += bool(sock.session_reused)
                session = sock.session
        number += 1
    if resumed < (number - 1 if reuse else 0):
        raise BenchError(f"{program.name}: {resumed} of {number} sessions were resumed")
    return Count(number, took, cpu_seconds(program.process.pid) - before)


def h2(program: Program, seconds: float, connections: int = 8, streams: int = 16) -> Count:
    """Small requests in HTTP/2 inside TLS with h2load.  Raises BenchError when one failed."""
    command = [tool("h2load"), "-c", str(connections), "-m", str(streams), "-t", "1"]
    command += ["-D", str(max(1, round(seconds))), f"https://127.0.0.1:{program.ports.tls}/small.txt"]
    before = cpu_seconds(program.process.pid)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    spent = cpu_seconds(program.process.pid) - before
    found = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored", done.stdout)
    if found is None or "Application protocol: h2" not in done.stdout or found[2] != "0" or found[3] != "0":
        raise BenchError(f"{program.name}: h2load was not served:\n{done.stdout[-2000:]}")
    return Count(int(found[1]), max(1, round(seconds)), spent)


def websockets(program: Program, seconds: float, connections: int = 32) -> Count:
    """Messages there and back."""
    before, began = cpu_seconds(program.process.pid), time.monotonic()
    try:
        number = echoed(program.port, connections, seconds)
    except ConnectionError as error:
        raise BenchError(f"{program.name}: {error}") from error
    return Count(number, time.monotonic() - began, cpu_seconds(program.process.pid) - before)


def raise_descriptor_limit(wanted: int) -> int:
    """Allow this process and its children as many descriptors as may be; how many connections that allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = wanted * 3 if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return min(wanted, limit // 3)


REQUEST = b"GET /small.txt HTTP/1.1\r\nHost: bench\r\n\r\n"
Opened = Callable[[Program], socket.socket]


def in_clear(program: Program) -> socket.socket:
    """A connection that has made one request."""
    sock = socket.create_connection(("127.0.0.1", program.port), timeout=10)
    sock.sendall(REQUEST)
    if not sock.recv(65536).startswith(b"HTTP/1.1 200"):
        raise BenchError(f"{program.name}: no 200 on a connection")
    return sock


def _trusting(*protocols: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(protocols)
    return context


def in_tls(program: Program, context: ssl.SSLContext = _trusting("http/1.1")) -> socket.socket:  # noqa: B008
    """The same inside TLS."""
    plain = socket.create_connection(("127.0.0.1", program.ports.tls), timeout=10)
    sock = context.wrap_socket(plain)
    sock.sendall(REQUEST)
    if not sock.recv(65536).startswith(b"HTTP/1.1 200"):
        raise BenchError(f"{program.name}: no 200 on a connection of TLS")
    return sock


def in_h2(program: Program, context: ssl.SSLContext = _trusting("h2")) -> socket.socket:  # noqa: B008
    """The same in HTTP/2 inside TLS."""
    plain = socket.create_connection(("127.0.0.1", program.ports.tls), timeout=10)
    sock = context.wrap_socket(plain)
    peer = H2Connection(H2Configuration(header_encoding=None))
    peer.initiate_connection()
    fields = [(":method", "GET"), (":scheme", "https"), (":authority", "bench"), (":path", "/small.txt")]
    peer.send_headers(1, fields, end_stream=True)
    sock.sendall(peer.data_to_send())
    while data := sock.recv(65536):
        events = peer.receive_data(data)
        sock.sendall(peer.data_to_send())
        if any(isinstance(one, StreamEnded) for one in events):
            return sock
    raise BenchError(f"{program.name}: no answer on a connection of HTTP/2")


def idle_bytes(program: Program, connections: int, opened: Opened) -> float:
    """Memory for each connection that made one request and now waits, over what the proxy had before."""
    held: list[socket.socket] = []
    try:
        held += [opened(program) for _ in range(200)]
        before = resident_bytes(program.process.pid)
        held += [opened(program) for _ in range(connections)]
        return max(0, resident_bytes(program.process.pid) - before) / connections
    finally:
        for each in held:
            each.close()

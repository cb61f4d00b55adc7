"""The load: wrk for requests, plain sockets for idle connections."""

from __future__ import annotations

import resource
import socket
import subprocess
from pathlib import Path

from attrs import frozen

from tests.bench.figures import cpu_seconds, resident_bytes
from tests.bench.programs import BenchError, Program, tool

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
) -> Run:
    """Load a proxy with wrk, one thread.

    `think` is the mean pause of a connection in milliseconds; `close` makes a connection for each request,
    `fresh` asks for another URL each time.
    """
    script = folder / f"{'fresh' if fresh else 'think'}-{think}.lua"
    script.write_text(SCRIPT.format(think=think, fresh=str(fresh).lower()), encoding="utf-8")
    command = [tool("wrk"), "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "10s"]
    command += ["-s", str(script), f"http://127.0.0.1:{program.port}{target}"]
    command += ["-H", "Connection: close"] if close else []
    before = cpu_seconds(program.process.pid)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    try:
        return read_figures(done.stdout, cpu_seconds(program.process.pid) - before)
    except BenchError as error:
        raise BenchError(f"{program.name}, {target}: {error}") from error


def raise_descriptor_limit(wanted: int) -> int:
    """Allow this process and its children as many descriptors as may be; how many connections that allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = wanted * 3 if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return min(wanted, limit // 3)


def idle_bytes(program: Program, connections: int) -> float:
    """Memory for each connection that made one request and now waits, over what the proxy had before."""
    request = b"GET /small.txt HTTP/1.1\r\nHost: bench\r\n\r\n"
    held: list[socket.socket] = []

    def open_some(number: int) -> None:
        for _ in range(number):
            held.append(socket.create_connection(("127.0.0.1", program.port), timeout=10))
            held[-1].sendall(request)
            if not held[-1].recv(65536).startswith(b"HTTP/1.1 200"):
                raise BenchError(f"{program.name}: no 200 on connection {len(held)}")

    try:
        open_some(200)
        before = resident_bytes(program.process.pid)
        open_some(connections)
        return max(0, resident_bytes(program.process.pid) - before) / connections
    finally:
        for each in held:
            each.close()
